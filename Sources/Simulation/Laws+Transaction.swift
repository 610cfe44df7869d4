import Lifecycle

extension Laws {
    /// What one command led to, as it was committed.
    struct Transaction {
        var command: Command
        var events: [StampedEvent]
        var before: ControllerState
        var after: ControllerState
        var now: Instant

        /// The event that follows one in the same transaction.
        func event(after stamped: StampedEvent) -> Event? {
            events.first { $0.stamp.version == stamped.stamp.version + 1 }?.event
        }
    }
}

extension Laws.Book {
    /// Keeps the books of one transaction, and compares the state that it led to with them.
    mutating func keep(_ transaction: Laws.Transaction) throws(Violation) {
        for stamped in transaction.events {
            try specs.see(stamped, in: transaction)
            try identities.see(stamped)
        }
        try specs.check(transaction)
        try identities.check(transaction.after)
    }
}
