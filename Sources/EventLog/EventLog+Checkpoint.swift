import GRDB

extension EventLog {
    /// Copies what lies in the WAL into the database, as far as nobody reads what was there before, so that whoever
    /// removes the WAL removes little. SQLite does so by itself once a thousand pages lie there, which takes a log that
    /// is little used days. Neither readers nor writers wait for it; the next to write syncs once more than else, so it
    /// is for moments when little is written.
    ///
    /// What cannot be copied now is safe where it is, and copied later: nothing is thrown.
    public func checkpoint() {
        guard (try? files.check()) != nil else { return }
        try? queue.writeWithoutTransaction { db in _ = try db.checkpoint() }
    }
}
