import ArgumentParser
import Controller
import EventLog
import Foundation

struct Repair: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair",
        abstract: "Make a new log from what can be read of a damaged one.",
        discussion: """
            Saves the events up to the first that cannot be read or is not as it was recorded, and folds the tables \
            from them; when there is none, the log begins anew. The damaged database is kept. A backup that holds \
            more is better: dwell restore FILE.

            Examples:
              dwell repair
              dwell repair --stop
              dwell repair --archive events-until-october.db
            """)

    @Flag(help: "End every replica, load balancer and controller of this home first.")
    var stop = false

    @Option(
        help: ArgumentHelp(
            "Take what archived events led to from this file, which `dwell archive` wrote last, for that in the log is damaged.",
            valueName: "file"),
        completion: .file(extensions: ["db"]))
    var archive: String?

    func run() async throws {
        let home = Home(environment: ProcessInfo.processInfo.environment)
        guard access(home.database, F_OK) == 0 else {
            throw CommandFailure("there is no \(home.database) to repair; put a backup there: dwell restore FILE")
        }
        let wal: HeldWAL
        do {
            try EventLog.requireOwnFile(home)
            // Before the log is opened: to close it may be to lose what is in its WAL.
            wal = try HeldWAL(home)
        } catch {
            throw CommandFailure(error)
        }
        do throws(LogFailure) {
            _ = try EventLog(home: home)
        } catch .newerSchema(let path, let found, let known) {
            // What a newer dwell has made is not damaged, and this one would make less of it.
            throw CommandFailure(LogFailure.newerSchema(path: path, found: found, known: known))
        } catch {}
        if LogExamination(home: home).isWhole, (try? EventLog(home: home)) != nil {
            print("The log is whole: nothing to repair.")
            return Session.reviveWhatDied()
        }
        let archive = archive.map { URL(fileURLWithPath: $0).path }
        let locks = try await Upkeep.takeHome(home, stop: stop) { (endsSomething) throws(LogFailure) in
            if endsSomething { try EventLog.rehearseRepair(home, archive: archive) }
        }
        let report: RepairReport
        do {
            report = try EventLog.repair(home, archive: archive, wal)
        } catch {
            throw CommandFailure(error)
        }
        locks.release()
        print(
            report.lastPosition == 0
                ? "No event could be saved: the log begins anew."
                : "\(report.savedEvents) events are saved; the tables are folded from them.")
        if let loss = report.firstLoss { print("  not saved: what came after, for \(loss)") }
        for loss in report.otherLosses { print("  not saved: \(loss)") }
        if let acknowledged = report.acknowledgedPosition, acknowledged > report.lastPosition {
            print("  lost: events \(report.lastPosition + 1) to \(acknowledged), which were acknowledged")
        }
        if let kept = report.kept { print("  the damaged database is kept: \(kept)") }
        try Upkeep.startWhatIsWanted()
    }
}
