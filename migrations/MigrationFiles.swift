/// The SQL files of this folder, compiled in: the binary needs none of them beside it.
public enum MigrationFiles {
    /// A numbered file. Its number and name are those of the file.
    public struct File: Sendable {
        public let number: Int
        public let name: String
        public let sql: [UInt8]
    }

    /// Every file, in order. A new one needs a line here and one in Package.swift; the names the compiler
    /// makes have an underscore for the leading digit.
    public static let all = [
        File(number: 1, name: "event_log", sql: PackageResources._001_event_log_sql),
        File(number: 2, name: "services", sql: PackageResources._002_services_sql),
        File(number: 3, name: "history", sql: PackageResources._003_history_sql),
        File(number: 4, name: "autostop", sql: PackageResources._004_autostop_sql),
        File(number: 5, name: "scheme", sql: PackageResources._005_scheme_sql),
        File(number: 6, name: "notices", sql: PackageResources._006_notices_sql),
        File(number: 7, name: "archive", sql: PackageResources._007_archive_sql),
        File(number: 8, name: "leaner_tables", sql: PackageResources._008_leaner_tables_sql),
    ]

    /// `views.sql`: the views, as they are now.
    public static let views = PackageResources.views_sql
}
