import Foundation
import GRDB
import TestKit
import Testing

@testable import EventLog

/// Whatever goes wrong with a log is one sentence, for whoever has to do something about it.
@Suite struct LogFailureTests {
    private static let path = "/home/ann/.dwell/dwell.db"

    /// Each, what of it is to be read, and what it is: damage, a sentence with the way on, another file than was meant.
    private static let all: [(failure: LogFailure, words: String, is: Set<String>)] = [
        (.busy(path: path), "end it and try again", []),
        (.full(path: path), "make room and try again", []),
        (.readOnly(path: path), "is read-only for you", []),
        (.cannotOpen(path: path, reason: "why"), "cannot open \(path): why", ["damage", "wrong file"]),
        (.inputOutput(path: path, reason: "why"), "failed: why; nothing was changed", ["damage"]),
        (.unsynced(path: path), "see whether it is there (dwell events)", ["damage"]),
        (.corrupt(path: path, reason: "why"), "is damaged or not a database: why", ["damage", "wrong file"]),
        (.notALog(path: path), "not one of dwell's", ["wrong file"]),
        (.notAFile(path: path, reason: "it is a pipe"), "mv \(path) \(path).away", ["way on", "wrong file"]),
        (.newerSchema(path: path, found: 9, known: 7), "install that version", ["wrong file"]),
        (.changedMigration(path: path, number: 3), "migration 3 has another checksum", ["wrong file"]),
        (.unreadableEvent(position: 3, reason: "why"), "event 3 cannot be read: why", ["damage"]),
        (.unreadableBase(stream: "dev", format: Snapshots.format), "dwell repair --archive FILE", []),
        (.unreadableBase(stream: "dev", format: 1), "ask with the dwell that archived them", []),
        (.nothingToArchive(first: nil), "the log holds no event", []),
        (.nothingToArchive(first: 1), "no event is before that", []),
        (.undelivered(position: 3, receiver: "pager"), "pager is still to be told of event 3", []),
        (.archivedMeanwhile, "nothing was archived", []),
        (.archived(through: 3, atMicroseconds: 1, file: "old.db"), "ask that file: --log old.db", []),
        (.replaced(path: path), "give the command again", ["damage"]),
        (.cutWAL(path: path), "dwell restore FILE --stop", ["damage", "way on"]),
        (.closed(path: path, mode: 0), "chmod u+rw \(path)", ["way on", "wrong file"]),
        (.archiveKept(file: "old.db", reason: "why"), "why; old.db holds the events", []),
        (.eventsLost(path: path, there: 3, acknowledged: 4), "ends at event 3, but event 4 was", ["damage", "way on"]),
        (.anotherLog(path: path, "why"), "wrote last: why; put that one back", ["damage", "way on"]),
        (.endMissing(3...4), "events 3 to 4 are missing", ["damage", "way on"]),
        (.changed("event 3 is not as it was"), "event 3 is not as it was; the tables are left", ["damage", "way on"]),
        (
            .gone(path: path, acknowledged: 4, bell: "/x/commits"), "to begin anew, remove /x/commits",
            ["damage", "way on"]
        ),
        (.notDurable, "nothing would be safe on disk", []),
        (.noBootID, "boot_id", []),
        (.other(path: path, reason: "why"), "\(path): why", ["damage"]),
    ]

    @Test func eachIsASentenceThatSaysWhatToDo() {
        for (failure, words, kinds) in Self.all {
            let sentence = failure.description
            #expect(sentence.contains(words), "\(sentence)")
            #expect(!sentence.contains("\n") && !sentence.hasSuffix("."), "\(sentence)")
            #expect(failure.isDamage == kinds.contains("damage"), "\(sentence)")
            #expect(failure.saysTheWayOn == kinds.contains("way on"), "\(sentence)")
            #expect(failure.isOfTheWrongFile == kinds.contains("wrong file"), "\(sentence)")
        }
    }

    private struct Long: Error, CustomStringConvertible {
        var description: String { "the first line\nthe second" }
    }

    /// What SQLite says, in the words of who uses a log.
    @Test func errorsOfOthersAreTranslated() {
        let path = Self.path
        func translated(_ code: ResultCode, _ message: String? = "why") -> LogFailure {
            LogFailure(DatabaseError(resultCode: code, message: message), path: path)
        }
        #expect(translated(.SQLITE_BUSY) == .busy(path: path))
        #expect(translated(.SQLITE_LOCKED) == .busy(path: path))
        #expect(translated(.SQLITE_FULL) == .full(path: path))
        #expect(translated(.SQLITE_READONLY) == .readOnly(path: path))
        #expect(translated(.SQLITE_CANTOPEN) == .cannotOpen(path: path, reason: "why"))
        #expect(translated(.SQLITE_IOERR_SHORT_READ) == .cutWAL(path: path))
        #expect(translated(.SQLITE_IOERR_FSYNC) == .inputOutput(path: path, reason: "why"))
        #expect(translated(.SQLITE_CORRUPT) == .corrupt(path: path, reason: "why"))
        #expect(translated(.SQLITE_NOTADB) == .corrupt(path: path, reason: "why"))
        #expect(translated(.SQLITE_NOMEM) == .other(path: path, reason: "why"))
        // What leaves no message behind has SQLite's own.
        #expect(translated(.SQLITE_NOMEM, "not an error") == .other(path: path, reason: "out of memory"))
        #expect(translated(.SQLITE_IOERR_WRITE, nil) == .inputOutput(path: path, reason: "disk I/O error"))
        #expect(LogFailure(Long(), path: path) == .other(path: path, reason: "the first line"))
        #expect(LogFailure(LogFailure.notDurable, path: path) == .notDurable)
        #expect(
            LogFailure(HomeFailure(path: "/x", reason: "why"), path: path) == .cannotOpen(path: "/x", reason: "why"))
    }
}
