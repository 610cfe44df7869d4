import Foundation
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// What a process knows of a stream already, and what others append to it meanwhile.
@Suite struct CachedStateTests {
    private let temporary = TemporaryHome()

    /// Stores a snapshot that can be read and says what is not so, to see who believes it.
    private func lie(in log: EventLog) throws {
        let state = try log.state(of: .dev)
        try log.queue.write { try Snapshots.store(state, $0) }
        try temporary.execute("UPDATE snapshots SET state = json_set(state, '$.incarnation', 77)")
    }

    /// To read a snapshot takes a time that grows with the services there are.
    @Test func whatOthersAppendIsFoldedOntoWhatIsKnownAndNoSnapshotIsRead() throws {
        let (reader, writer) = (try EventLog(home: temporary.home), try EventLog(home: temporary.home))
        try writer.given(.start)
        #expect(try reader.state(of: .dev).version == 1)
        try writer.given(.setAutostop(.byHand(seconds: 5)))
        try lie(in: writer)
        try writer.given(.setAutostop(.byHand(seconds: 6)))
        #expect(try EventLog(home: temporary.home).state(of: .dev).incarnation == 77, "who knows nothing believes it")
        let state = try reader.state(of: .dev)
        #expect(state.incarnation == 1 && state.policy.idleTimeoutSeconds == 6)
        #expect(try state == writer.foldedState(of: .dev))
    }

    @Test func whatIsKnownOfAnotherHistoryIsNotBuiltUpon() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start)
        try lie(in: log)
        let wrong = try EventLog(home: temporary.home).state(of: .dev)
        try temporary.execute("DELETE FROM snapshots")
        try EventLog(home: temporary.home).given(.setAutostop(.byHand(seconds: 5)))
        log.remember(wrong, .zero)
        #expect(try log.state(of: .dev) == log.foldedState(of: .dev))
    }
}
