import GRDB
import Lifecycle

/// Writes projections and snapshots anew from the log, inside the caller's transaction. Whatever the
/// tables held before does not matter, nor does any snapshot: each stream is folded from its first event.
struct Rebuild {
    let db: Database

    /// Rebuilds what there is of every controller, and removes rows of controllers the log does not know.
    func everything() throws {
        for table in ["controllers", "services", "replicas", "deadlines", "snapshots", "checkpoints"] {
            try db.execute(sql: "DELETE FROM \(table)")
        }
        let streams = try String.fetchAll(db, sql: "SELECT DISTINCT stream FROM events ORDER BY stream")
        for stream in streams {
            guard let controller = ControllerName(rawValue: stream) else { continue }
            var state = ControllerState(name: controller)
            try EventReader.forEach(in: controller, after: 0, db) {
                state.apply($0.event, $0.stamp)
                try Checkpoints.store(state, after: 1, position: $0.position, db)
            }
            try Projector(db: db).project(state)
            try Snapshots.store(state, db)
        }
    }
}
