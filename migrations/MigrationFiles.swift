/// The SQL files of this folder, compiled in: the binary needs none of them beside it.
public enum MigrationFiles {
    /// `0001_event_log.sql`. The generated name has an underscore for the leading digit.
    public static var eventLog: [UInt8] { PackageResources._001_event_log_sql }
}
