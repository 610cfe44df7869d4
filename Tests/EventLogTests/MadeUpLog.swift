import TestKit
import Testing

@testable import EventLog

/// Logs that tests do something to.
extension TemporaryHome {
    /// A log of two controllers, of about `count` events.
    func madeUpLog(_ count: Int = 400) throws -> EventLog {
        let log = try EventLog(home: home)
        var history = MadeUpHistory(
            seed: 3, controllers: [.dev, .prod], beginMicroseconds: 1_700_000_000_000_000)
        try history.write(count, to: log)
        return log
    }

    /// A log whose first 300 events or so are archived.
    func logWithAnArchive() throws -> (log: EventLog, position: Int) {
        let log = try madeUpLog()
        let at = try #require(try log.time(atPosition: 300))
        return (log, try log.archive(beforeMicroseconds: at, to: archive, by: .ann).position)
    }

    /// Where it is archived.
    var archive: String { home.path + "/old.db" }
}
