import Foundation
import GRDB
import Lifecycle

/// What folding the log anew gave, and where the tables say something else (law L2). This is the one place where a
/// fold is compared with what is stored: `replay`, `verify`, `doctor`, `backup` and the tests ask it.
public struct ReplayReport: Sendable {
    public private(set) var events = 0
    public private(set) var controllers = 0
    /// One sentence for each row that is not what the log says; empty when every one is.
    public private(set) var differences: [String] = []
    /// Positions of events that the tables know of, and the log does not hold any more; nil when there are none.
    public private(set) var missing: ClosedRange<Int>?
    public private(set) var seconds: Double = 0

    init() {}

    /// Folds every controller's events, in the order in which they lie in the file.
    ///
    /// - Parameter witness: of the last event that was acknowledged, read before `db` began to be read.
    init(_ db: Database, witness: CommitBell.Witness?, progress: (Int, Int) -> Void) throws {
        let begun = ContinuousClock.now
        let total = try db.lastPosition() - LogStart(db).position
        var folds: [StreamFold] = []
        var places: [String: Int] = [:]
        var strangers: Set<String> = []
        for controller in try Base.streams(db).compactMap(ControllerName.init(rawValue:)) {
            places[controller.rawValue] = folds.count
            folds.append(try StreamFold(of: controller, db))
        }
        let stored = try StoredEvents(db, where: "position > 0 ORDER BY position")
        while let event = try stored.next() {
            let place: Int
            if let known = places[event.stream] {
                place = known
            } else if let controller = ControllerName(rawValue: event.stream) {
                place = folds.count
                places[event.stream] = place
                folds.append(try StreamFold(of: controller, db))
            } else {
                strangers.insert(event.stream)
                continue
            }
            folds[place].add(event, try stored.event(event))
            events += 1
            if events % 4_096 == 0 { progress(events, total) }
        }
        let end = try LogEnd(db, witness: witness)
        missing = end.missing
        if let missing { differences.append(LogEnd.sentence(missing: missing)) }
        for name in strangers.sorted() { differences.append("events: \(name) is not the name of a controller") }
        for name in places.keys.sorted() {
            if let place = places[name] { try take(folds[place], isBehind: end.ahead.contains(name), db) }
        }
        for (table, column) in Self.tables {
            let names = try QuickStatement(db, "SELECT DISTINCT \(column) FROM \(table) ORDER BY 1")
            while let row = try names.next() {
                // To the last byte: a name with a NUL behind it is another.
                let name = row.shown(0)
                if end.ahead.contains(name), places[name] == nil, table == "controllers" {
                    differences.append(
                        "controllers: or its row of \(name) was put in: no event that is there is about it")
                } else if places[name] == nil, !end.ahead.contains(name) {
                    differences.append("\(table): there are rows of \(name), of which the log knows nothing")
                }
            }
        }
        seconds = (ContinuousClock.now - begun) / .seconds(1)
    }

    /// Folds one controller's events from where the log begins.
    mutating func fold(_ controller: ControllerName, _ db: Database) throws {
        var fold = try StreamFold(of: controller, db)
        let stored = try StoredEvents(
            db, where: "stream = ? ORDER BY version", arguments: [controller.rawValue])
        while let event = try stored.next() {
            fold.add(event, try stored.event(event))
            events += 1
        }
        try take(fold, isBehind: false, db)
    }

    /// Compares what a controller's events gave with the tables, row by row.
    ///
    /// - Parameter isBehind: whether its last events are missing: the tables say what those led to.
    private mutating func take(_ fold: StreamFold, isBehind: Bool, _ db: Database) throws {
        controllers += 1
        differences += fold.differences
        // Of a controller that never was there are no rows, and none to compare.
        guard fold.state.version > 0 else { return }
        let folded = try Projection(fold.state)
        guard isBehind else {
            differences += try fold.unreached + folded.differencesFromStored(of: fold.state.name, db)
            return
        }
        var asOfThatVersion = try Projection(of: fold.state.name, db)
        for index in asOfThatVersion.controllers.indices {
            asOfThatVersion.controllers[index].version = fold.state.version
        }
        guard asOfThatVersion == folded else { return }
        differences.append(
            "controllers: or its row of \(fold.state.name) was changed: all else is as the events that are there say")
    }

    /// The tables of what is true now and of what is kept on the way, and in which column each names the controller.
    private static let tables = [
        ("controllers", "name"), ("deadlines", "controller"), ("replicas", "controller"), ("services", "controller"),
        ("snapshots", "stream"), ("checkpoints", "stream"),
    ]
}

extension EventLog {
    /// Folds every controller's events from the first and compares with the tables row by row, and with the
    /// states kept on the way.
    ///
    /// - Parameter progress: called with the events folded so far, and how many there are.
    public func replay(progress: (Int, Int) -> Void = { _, _ in }) throws(LogFailure) -> ReplayReport {
        // Read before the log, as it is when the log is opened: it may be behind what is read then, and never ahead.
        let witness = bell.witness
        return try reading { try ReplayReport($0, witness: witness, progress: progress) }
    }

    /// The same for one controller: a sentence for each row that is not what the log says.
    public func differences(of controller: ControllerName) throws(LogFailure) -> [String] {
        try reading { db in
            var report = ReplayReport()
            try report.fold(controller, db)
            return report.differences
        }
    }

    /// Writes every table of what is true now, and every state kept on the way, anew from the log. Others may
    /// read meanwhile; whoever wants to write waits. Refused when the log is not as it was recorded, and when the tables
    /// know of events that are missing: what they say is then all there is of those.
    ///
    /// - Parameters:
    ///   - checking: called with the position up to which the chain of digests was checked.
    ///   - progress: called with the events folded so far, and how many there are.
    /// - Returns: how many events were folded.
    public func rebuild(
        checking: (Int) -> Void = { _ in }, progress: (Int, Int) -> Void = { _, _ in }
    ) throws(LogFailure) -> Int {
        // Events never change, so what is checked before the lock is taken need not be checked again.
        if let broken = try brokenChain(progress: checking) { throw LogFailure.changed(broken.description) }
        if let problem = try startProblems().first { throw LogFailure.changed(problem) }
        return try writing { db in
            try requireEnd(db.lastPosition(), db)
            try Rebuild(db: db).everything(progress: progress)
            return try db.lastPosition() - LogStart(db).position
        }
    }
}

/// One controller's events, folded from the first and compared with the states kept on the way.
private struct StreamFold {
    private(set) var state: ControllerState
    private(set) var differences: [String] = []
    /// What is wrong with what was kept of it, when its last event was folded.
    var unreached: [String] {
        var kept = self.kept
        // Of a controller that no event of this file is about.
        let problem = kept.problem(with: state, at: nil)
        return [problem].compactMap(\.self) + kept.sentences(beyond: state)
    }
    private var kept: KeptStates

    init(of controller: ControllerName, _ db: Database) throws {
        state = try ControllerState(beginning: controller, db)
        kept = try KeptStates(of: controller, db)
    }

    mutating func add(_ stored: StoredEvents.Element, _ event: Event) {
        if stored.stamp.version != state.version &+ 1 {
            differences.append(
                "events: event \(stored.position) is number \(stored.stamp.version) of \(state.name), "
                    + "and the one before it number \(state.version)")
        }
        state.apply(event, stored.stamp)
        if let problem = kept.problem(with: state, at: stored.position) { differences.append(problem) }
    }
}

/// States of one controller that were kept while it was folded.
private struct KeptStates {
    /// Those still to come, the next last.
    private var left: [(version: Int, table: String, json: Data, position: Int?)] = []

    init(of controller: ControllerName, _ db: Database) throws {
        for (table, position) in [("checkpoints", "position"), ("snapshots", "NULL")] {
            var rows = try QuickStatement(
                db, "SELECT version, state, \(position) FROM \(table) WHERE stream = ? AND format = ?")
            rows.bind(controller.rawValue)
            rows.bind(Snapshots.format)
            while let row = try rows.next() {
                left.append((row.int(0), table, row.data(1), row.kind(2) == .null ? nil : row.int(2)))
            }
        }
        left.sort { ($0.version, $0.table) > ($1.version, $1.table) }
    }

    /// A sentence for each that no event led to.
    func sentences(beyond state: ControllerState) -> [String] {
        left.reversed().map {
            "\($0.table): there is a state of \(state.name) at version \($0.version), and its last event is number \(state.version)"
        }
    }

    /// What is wrong with what was kept at this state's version.
    ///
    /// - Parameter position: of the event that led to it, where that is known.
    mutating func problem(with state: ControllerState, at position: Int?) -> String? {
        var problem: String?
        while let next = left.last, next.version <= state.version {
            left.removeLast()
            guard next.version == state.version else { continue }
            // By it the one before a moment is looked for.
            if let said = next.position, let position, said != position {
                problem =
                    "\(next.table): \(state.name) is said to have been at version \(state.version) at event \(said), and was at event \(position)"
            }
            let kept: ControllerState? = try? EventCodec.value(stored: next.json)
            guard kept != state else { continue }
            problem = "\(next.table): the state of \(state.name) at version \(state.version) is not what the log says"
        }
        return problem
    }
}

extension Projection {
    /// A sentence for each row that the tables hold of a controller and that is not one of these, and for each of these
    /// that they do not hold.
    func differencesFromStored(of controller: ControllerName, _ db: Database) throws -> [String] {
        try ControllerRow.differences(of: controller, from: controllers, db)
            + ServiceRow.differences(of: controller, from: services, db)
            + ReplicaRow.differences(of: controller, from: replicas, db)
            + DeadlineRow.differences(of: controller, from: deadlines, db)
    }
}
