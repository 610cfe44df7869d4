import GRDB
import Lifecycle

/// Writes projections and snapshots anew from the log, inside the caller's transaction. Whatever the
/// tables held before does not matter, nor does any snapshot: each stream is folded from where the log begins.
struct Rebuild {
    let db: Database

    /// Rebuilds what there is of every controller, and removes rows of controllers the log does not know.
    ///
    /// - Parameter progress: called with the events folded so far, and how many there are.
    func everything(progress: (Int, Int) -> Void = { _, _ in }) throws {
        for table in ["controllers", "services", "replicas", "deadlines", "snapshots", "checkpoints"] {
            try db.execute(sql: "DELETE FROM \(table)")
        }
        let total = try db.lastPosition() - LogStart(db).position
        var done = 0
        for stream in try db.streams() {
            guard let controller = ControllerName(rawValue: stream) else { continue }
            var state = try ControllerState(beginning: controller, db)
            let events = try StoredEvents(db, where: "stream = ? ORDER BY version", arguments: [stream])
            while let event = try events.next() {
                state.apply(try events.event(event), event.stamp)
                try Checkpoints.store(state, after: 1, position: event.position, db)
                done += 1
                if done % 4_096 == 0 { progress(done, total) }
            }
            try Projector(db: db).project(state)
            try Snapshots.store(state, db)
        }
    }
}
