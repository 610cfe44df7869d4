import EventLog
import Foundation
import GRDB
import Lifecycle
import TestKit
import Testing

extension Author {
    static let ann = Author(actor: "ann@desk", component: "cli")
}

extension TemporaryHome {
    /// Another program's connection to the file, such as a `sqlite3` shell: nothing of dwell's set up.
    func shell(busyTimeoutSeconds: Double = 5) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.busyMode = .timeout(busyTimeoutSeconds)
        // A person may leave a transaction open, and so may a test.
        configuration.allowsUnsafeTransactions = true
        return try DatabaseQueue(path: home.database, configuration: configuration)
    }

    /// What a person types into a `sqlite3` shell.
    func execute(_ sql: String, arguments: StatementArguments = []) throws {
        try shell().writeWithoutTransaction { try $0.execute(sql: sql, arguments: arguments) }
    }

    func value<Value: DatabaseValueConvertible>(_ sql: String) throws -> Value? {
        try shell().read { try Value.fetchOne($0, sql: sql) }
    }
}

extension EventLog {
    /// Submits commands that lead to where a test begins.
    func given(_ commands: Command..., controller: ControllerName = .dev) throws {
        for command in commands { try submit(command, to: controller, by: .ann) }
    }

    /// Submits a random history, reading each state from the log; rejections are part of it.
    func drawHistory(seed: UInt64, commands count: Int, on controllers: [ControllerName] = [.dev]) throws {
        var commands = RandomCommands(seed: seed)
        for _ in 1...count {
            let controller = commands.random.pick(controllers)
            let command = commands.next(for: try state(of: controller))
            do {
                try submit(command, to: controller, by: .ann)
            } catch .rejected {
                continue
            } catch {
                throw error
            }
        }
    }

    /// Rows of `audit_log` after a position.
    func auditRows(after position: Int) throws -> [AuditRow] {
        var query = EventQuery()
        query.after = position
        var rows: [AuditRow] = []
        try audit(query) { rows += $0 }
        return rows
    }

    /// The controller's state, folded from where the log begins, past every cache and snapshot.
    func replayedState(of controller: ControllerName) throws -> ControllerState {
        try #require(foldEverything()[controller])
    }

    /// The controller's state, folded here from its first event, past every cache and snapshot.
    func foldedState(of controller: ControllerName) throws -> ControllerState {
        var state = ControllerState(name: controller)
        for event in try events(after: 0) where event.controller == controller {
            state.apply(event.event, event.stamp)
        }
        return state
    }
}

extension ControllerName {
    static let batch = sample("batch")
}

/// Runs `body` on threads of their own, all at once; tasks would share as many as there are cores.
func onThreads<Value: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (Int) throws -> Value
) async throws -> [Value] {
    try await withThrowingTaskGroup(of: Value.self) { group in
        for index in 0..<count {
            group.addTask {
                try await withCheckedThrowingContinuation { continuation in
                    Thread.detachNewThread { continuation.resume(with: Result { try body(index) }) }
                }
            }
        }
        return try await group.reduce(into: []) { $0.append($1) }
    }
}

/// Looks again until a condition holds, for as long as a busy machine may need.
func eventually(_ what: String, _ condition: () throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    var looks = 0
    while try !condition() {
        looks += 1
        try #require(ContinuousClock.now < deadline || looks < 100, "waited in vain: \(what)")
        try await Task.sleep(for: .milliseconds(2))
    }
}
