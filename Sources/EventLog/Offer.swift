import Foundation
import GRDB
import Lifecycle

/// What a command leads to, decided by a process that waits in the line of writers, for the one that has its turn to write
/// together with its own: a disk takes as long to sync one transaction as another, and sixty-four processes that each have
/// their own turn find the caches cold in each.
///
/// It says at which event its stream must end still, so it is written on exactly what was decided on, or not at all; see
/// ``EventLog/submitTogether(_:to:by:)``. What it was decided on is its stream and nothing else.
struct Offer {
    /// Of the stream when it was decided.
    let head: StreamHead
    let author: Author
    let commandID: String?
    /// Position of what led to the first event; each later one follows from the first.
    let cause: Int?
    let events: [StampedEvent]
    /// The state after the events.
    let state: ControllerState
    /// All of it, for ``EventLog/write(_:_:)``.
    let bytes: [UInt8]

    /// A process of another build may write other columns.
    private static let format =
        (["\(Snapshots.format)"] + ProjectionTable.allCases.flatMap(\.sql.columns)).joined(separator: " ")

    /// Nil when some of it is not for others to write.
    init?(
        _ decision: Decision, on before: ControllerState, _ head: StreamHead, author: Author, commandID: String?,
        cause: Int?, of files: OpenFiles, _ db: Database
    ) throws {
        (self.head, self.author, self.commandID, self.cause) = (head, author, commandID, cause)
        (events, state) = (decision.events, decision.state)
        guard !events.isEmpty, !Snapshots.isDue(state, after: events.count) else { return nil }
        var tape = ValueTape()
        tape.bind(Self.format)
        tape.bind(files.inode)
        tape.bind(files.walInode)
        tape.bind(state.name.rawValue)
        tape.bind(head.version)
        tape.bind(head.digest.hexadecimal)
        tape.bind(author.component)
        tape.bind(commandID)
        tape.bind(cause)
        tape.bind(events.count)
        for stamped in events {
            tape.bind(stamped.event.type.rawValue)
            tape.bind(stamped.event.type.schemaVersion)
            tape.bind(stamped.stamp.version)
            tape.bind(stamped.stamp.atMicroseconds)
            tape.bind(stamped.stamp.actor)
            tape.bind(stamped.event.service?.rawValue)
            tape.bind(stamped.event.replica)
            tape.bind(try EventCodec.encode(stamped.event))
        }
        let rows = RowWriter(onto: tape, db)
        try Projector(rows).project(state, from: before, changedBy: events)
        guard rows.isTapeWhole, let bytes = rows.tape?.bytes else { return nil }
        self.bytes = bytes
    }

    /// What is read of the bytes of an offer.
    struct Stored {
        let stream: String
        let version: Int
        let digest: String
        /// Without positions; never none.
        let events: [EventRow]
        /// What is written to the tables, for ``RowWriter/replay(_:)``.
        let rows: [UInt8]

        /// When it was decided.
        var atMicroseconds: Int64 { events[0].atMicroseconds }

        /// - Throws: ``TapeReader/Malformed`` also for one of another build, or of another file.
        init(_ bytes: [UInt8], of files: OpenFiles) throws {
            self = try bytes.withUnsafeBytes { try Self(TapeReader($0), of: files) }
        }

        private init(_ tape: TapeReader, of files: OpenFiles) throws {
            var tape = tape
            guard try tape.text() == Offer.format, try tape.integer() == files.inode,
                try tape.integer() == files.walInode
            else {
                throw TapeReader.Malformed()
            }
            let stream = try tape.text()
            version = try tape.integer()
            digest = try tape.text()
            let (component, commandID, cause) = (try tape.text(), try tape.optionalText(), try tape.optionalInteger())
            let count = try tape.integer()
            guard count > 0, count < tape.rest.count else { throw TapeReader.Malformed() }
            events = try (0..<count).map { index in
                let (type, schemaVersion) = (try tape.text(), try tape.integer())
                let (version, atMicroseconds) = (try tape.integer(), Int64(try tape.integer()))
                let actor = try tape.text()
                return EventRow(
                    position: 0, stream: stream, version: version, type: type, schemaVersion: schemaVersion,
                    atMicroseconds: atMicroseconds, service: try tape.optionalText(),
                    replica: try tape.optionalInteger(), actor: actor, component: component, commandID: commandID,
                    cause: index == 0 ? cause : nil, payload: try tape.text())
            }
            self.stream = stream
            rows = Array(tape.rest)
        }
    }

    /// What its process returns, once the events are on disk.
    func receipt(_ answer: OfferAnswer) -> Receipt {
        Receipt(
            state: state,
            events: events.enumerated().map { index, stamped in
                RecordedEvent(
                    position: answer.firstPosition &+ index, controller: state.name, event: stamped.event,
                    stamp: stamped.stamp, component: author.component, commandID: commandID,
                    cause: index == 0 ? cause : answer.firstPosition)
            }, isRepeated: false)
    }
}

/// Where the events of an offer are, which are on disk.
struct OfferAnswer: Hashable {
    var firstPosition: Int
    var count: Int
    /// Of the last of them.
    var digest: Digest

    var lastPosition: Int { firstPosition &+ count &- 1 }
}
