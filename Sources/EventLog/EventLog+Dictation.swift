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
        try writing { db in
            try body { command, controller, author, now in
                let (receipt, head) = try append(
                    command, on: try loadState(of: controller, db), by: author, commandID: nil, at: now, db)
                if let head { remember(receipt.state, head) }
                return receipt.state
            }
        }
    }
}

extension EventLog {
    /// Folds every stream from where the log begins, past every state that is kept, in the order in which events lie in
    /// the file: for measuring.
    package func foldEverything() throws -> [ControllerName: ControllerState] {
        try reading { db in
            var states: [ControllerState] = []
            var places: [String: Int] = [:]
            for name in try db.streams().compactMap(ControllerName.init(rawValue:)) {
                places[name.rawValue] = states.count
                states.append(try ControllerState(beginning: name, db))
            }
            let events = try StoredEvents(db, where: "position > 0 ORDER BY position")
            while let event = try events.next() {
                guard let place = places[event.stream] else { continue }
                states[place].apply(try events.event(event), event.stamp)
            }
            return Dictionary(uniqueKeysWithValues: states.map { ($0.name, $0) })
        }
    }
}
