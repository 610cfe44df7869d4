import GRDB
import Lifecycle

extension EventLog {
    /// Takes in what happened at other times, many commands in one transaction: for histories that are made up,
    /// so that what is fast on a short log can be measured on a long one. The rules are those of ``submit(_:to:by:commandID:)``.
    ///
    /// - Parameter body: is handed a function that submits a command as of a moment and returns the state after it.
    package func dictate(
        _ body: ((Command, ControllerName, Author, Instant) throws -> ControllerState) throws -> Void
    ) throws {
        try queue.writeWithoutTransaction { db in
            try db.immediately {
                try body { command, controller, author, now in
                    let (receipt, head) = try append(
                        command, on: try loadState(of: controller, db), by: author, commandID: nil, at: now, db)
                    if let head { remember(receipt.state, head) }
                    return receipt.state
                }
            }
        }
    }
}

extension EventLog {
    /// Folds every stream from its first event, past every state that is kept: for measuring.
    package func foldEverything() throws -> [ControllerName: ControllerState] {
        try reading { db in
            var states: [ControllerName: ControllerState] = [:]
            for stream in try db.streams() {
                guard let name = ControllerName(rawValue: stream) else { continue }
                var state = try ControllerState(beginning: name, db)
                try EventReader.forEach(in: name, after: state.version, db) { state.apply($0.event, $0.stamp) }
                states[name] = state
            }
            return states
        }
    }
}
