import Crypto
import Foundation
import GRDB
import Lifecycle

/// A receiver of notices, and how far it has been told.
public struct NoticeRow: Hashable, Sendable, Codable, FetchableRecord {
    public var key: String
    public var label: String
    /// JSON lists: types of events, and patterns of controllers.
    var types: String
    var controllers: String
    /// Everything up to here it was told, or need not be.
    public var position: Int
    public var delivered: Int
    /// Tries in a row that failed.
    public var failures: Int
    public var retryAtMicroseconds: Int64?
    /// What the last of them said.
    public var error: String?
    public var errorAtMicroseconds: Int64?

    enum CodingKeys: String, CodingKey {
        case key, label, types, controllers, position, delivered, failures, error
        case retryAtMicroseconds = "retry_at_us"
        case errorAtMicroseconds = "error_at_us"
    }
}

/// What a receiver has not been told yet.
public struct NoticeLag: Sendable {
    public var receiver: NoticeRow
    public var undelivered: Int
    /// Wall time of the oldest of them.
    public var sinceMicroseconds: Int64?
}

// How far receivers of notices have been told. It is kept beside the log and not in it: a try that fails is nothing that
// happened to a controller, and to tell of it would call for another notice.
extension EventLog {
    /// The key under which a receiver is known: its name, else what it is; another time, pattern or header is the same
    /// receiver.
    public static func noticeKey(_ receiver: NoticeReceiver) -> String {
        if let name = receiver.name { return name }
        let text =
            switch receiver.way {
            case .command(let command): "command:" + command
            case .url(let url): "url:" + url
            }
        return "#"
            + SHA256.hash(data: Data(text.utf8)).prefix(8).map {
                String($0 >> 4, radix: 16) + String($0 & 15, radix: 16)
            }.joined()
    }

    /// Makes these the receivers there are. One that is new is told of what happens from now on; one that is gone is
    /// forgotten. Writes nothing when they are those there are.
    public func setNoticeReceivers(_ receivers: [NoticeReceiver]) throws(LogFailure) {
        let wanted = receivers.map(Wanted.init)
        let known = try noticeReceivers()
        if known.map(Wanted.init) == wanted.sorted(by: { $0.key < $1.key }) { return }
        try writeNotices { db in
            let keys = wanted.map(\.key)
            for row in known where !keys.contains(row.key) {
                try db.execute(sql: "DELETE FROM notice_receivers WHERE key = ?", arguments: [row.key])
            }
            for receiver in wanted {
                try db.execute(
                    sql: """
                        INSERT INTO notice_receivers (key, label, types, controllers, position)
                        VALUES (?1, ?2, ?3, ?4, ?5)
                        ON CONFLICT (key) DO UPDATE SET label = ?2, types = ?3, controllers = ?4
                        """,
                    arguments: [
                        receiver.key, receiver.label, receiver.types, receiver.controllers, try db.lastPosition(),
                    ])
            }
        }
    }

    /// What of a row the configuration says.
    private struct Wanted: Hashable {
        var key: String
        var label: String
        var types: String
        var controllers: String

        init(_ receiver: NoticeReceiver) {
            key = EventLog.noticeKey(receiver)
            label = receiver.label
            types = Self.json(receiver.selection.types.map(\.rawValue))
            controllers = Self.json(receiver.selection.controllers)
        }

        init(_ row: NoticeRow) {
            (key, label, types, controllers) = (row.key, row.label, row.types, row.controllers)
        }

        private static func json(_ texts: [String]) -> String {
            // Patterns hold no character that JSON would have to write in another way.
            "[" + texts.map { "\"\($0)\"" }.joined(separator: ",") + "]"
        }
    }

    /// Receivers, by key.
    public func noticeReceivers() throws(LogFailure) -> [NoticeRow] {
        try reading { try NoticeRow.fetchAll($0, sql: "SELECT * FROM notice_receivers ORDER BY key") }
    }

    /// The first event after a position that the receiver is to be told of; nil when there is none.
    public func nextNotice(for receiver: NoticeRow, after position: Int) throws(LogFailure) -> AuditRow? {
        let found: AuditRow? = try reading { db in
            let next = try Int.fetchOne(
                db.cachedStatement(
                    sql: "SELECT position FROM events NOT INDEXED \(Self.noticeCondition) ORDER BY position LIMIT 1"),
                arguments: [position, receiver.types, receiver.controllers])
            return try next.flatMap {
                try AuditRow.fetchOne(db, sql: "SELECT * FROM audit_log WHERE position = ?", arguments: [$0])
            }
        }
        // Nobody outside is told of what a loss of power could still undo.
        if found != nil { try sync() }
        return found
    }

    /// What each receiver has not been told.
    ///
    /// - Parameter controller: of this one only; nil for all.
    public func noticeLags(of controller: String? = nil) throws(LogFailure) -> [NoticeLag] {
        try reading { db in
            try NoticeRow.fetchAll(db, sql: "SELECT * FROM notice_receivers ORDER BY key").map { receiver in
                let row = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT count(*), min(at_us) FROM events NOT INDEXED \(Self.noticeCondition)
                            AND (?4 IS NULL OR stream = ?4)
                        """, arguments: [receiver.position, receiver.types, receiver.controllers, controller])
                return NoticeLag(receiver: receiver, undelivered: row?[0] ?? 0, sinceMicroseconds: row?[1])
            }
        }
    }

    /// The first event that somebody is still to be told of, and who; nil when there is none.
    static func firstUndelivered(_ db: Database) throws -> (position: Int, label: String)? {
        try NoticeRow.fetchAll(db, sql: "SELECT * FROM notice_receivers").compactMap { receiver in
            try Int.fetchOne(
                db, sql: "SELECT position FROM events NOT INDEXED \(noticeCondition) ORDER BY position LIMIT 1",
                arguments: [receiver.position, receiver.types, receiver.controllers]
            ).map { ($0, receiver.label) }
        }.min { $0.position < $1.position }
    }

    private static let noticeCondition = """
        WHERE position > ?1 AND type IN (SELECT value FROM json_each(?2))
            AND (?3 = '[]' OR EXISTS (SELECT 1 FROM json_each(?3) WHERE events.stream GLOB value))
        """

    /// The receiver has been told of the event at a position.
    public func noticeDelivered(to key: String, position: Int) throws(LogFailure) {
        try writeNotices { db in
            try db.execute(
                sql: """
                    UPDATE notice_receivers SET position = max(position, ?2), delivered = delivered + 1, failures = 0,
                        retry_at_us = NULL, error = NULL, error_at_us = NULL
                    WHERE key = ?1
                    """, arguments: [key, position])
        }
    }

    /// A try to tell the receiver failed.
    public func noticeFailed(
        for key: String, error: String, atMicroseconds: Int64, retryAtMicroseconds: Int64
    ) throws(LogFailure) {
        try writeNotices { db in
            try db.execute(
                sql: """
                    UPDATE notice_receivers SET failures = failures + 1, error = ?2, error_at_us = ?3, retry_at_us = ?4
                    WHERE key = ?1
                    """, arguments: [key, error, atMicroseconds, retryAtMicroseconds])
        }
    }

    /// The receiver need not be told of anything up to a position: nothing there concerns it, or somebody says so, which
    /// is news to the process that tells.
    public func passNotices(of key: String, through position: Int, isNews: Bool) throws(LogFailure) {
        try writeNotices(isNews: isNews) { db in
            try db.execute(
                sql: """
                    UPDATE notice_receivers SET position = ?2, failures = 0, retry_at_us = NULL, error = NULL,
                        error_at_us = NULL
                    WHERE key = ?1 AND position < ?2
                    """, arguments: [key, position])
        }
    }

    /// The receiver may be tried again at once.
    public func retryNotices(of key: String) throws(LogFailure) {
        try writeNotices(isNews: true) { db in
            try db.execute(sql: "UPDATE notice_receivers SET retry_at_us = NULL WHERE key = ?", arguments: [key])
        }
    }

    /// - Parameter isNews: whether the process that tells does not know of it.
    private func writeNotices(isNews: Bool = false, _ body: (Database) throws -> Void) throws(LogFailure) {
        try writing(body)
        // Whoever tells is to look again.
        if isNews { try ringForLastEvent() }
    }
}
