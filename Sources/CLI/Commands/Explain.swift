import ArgumentParser
import Controller
import EventLog
import Foundation
import Lifecycle
import Reporting

struct Explain: ParsableCommand, LogQuestion {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Tell why a controller or a service is as it is.",
        discussion: """
            What it waits for, since when, what would change it, and who did what last: from the log alone, now or \
            at any moment.

            Examples:
              dwell explain local
              dwell explain hello
              dwell explain prod --at "2026-11-01 03:00"
            """)

    @Argument(help: "Name of a controller or a service.", completion: .names)
    var name: String

    @Option(
        help: ArgumentHelp("As it was at this moment (a time, or '#41' for event 41).", valueName: "time"),
        completion: .times)
    var at: String?

    @Option(help: "The service of this controller.", completion: .controllers)
    var controller: String?

    @OptionGroup var source: LogOption

    func run() throws {
        let only = try controller.map { try NameArgument.controller($0) }
        let session = try source.session()
        let moment = try at.map { try PastMoment($0, for: "--at", session) }
        let report = try moment?.report(session) ?? session.read { (log) throws(LogFailure) in try log.status() }
        let services = report.services.filter {
            $0.name == name && (only == nil || $0.controller == only?.rawValue)
        }
        let isController = only == nil && report.controllers.contains { $0.name == name }
        guard isController || !services.isEmpty else {
            if try tellOfGone(only, moment, session) { return }
            let known = Set(report.controllers.map(\.name) + report.services.map(\.name)).sorted()
            let start = try session.read { (log) throws(LogFailure) in try log.start() }
            let archive = start.position > 0 ? "; what is archived: dwell explain \(name) --log \(start.file)" : ""
            throw CommandFailure(
                known.isEmpty
                    ? "no controller or service \(name): there are none\(archive)"
                    : "no controller or service \(name); there is \(known.joined(separator: ", "))\(archive)")
        }
        if isController {
            let explanation = try session.explanation(of: NameArgument.controller(name), at: moment)
            say(explanation.ofController, under: "Controller \(name)")
            if moment == nil { say(try untold(session)) }
        }
        for row in services {
            let controller = try NameArgument.controller(row.controller)
            let service = try NameArgument.service(name)
            let explanation = try session.explanation(of: controller, at: moment)
            // What its load balancer has seen is known of now and of no other moment.
            let isNow = moment == nil && !session.isOfFile
            let traffic = isNow ? TrafficReporter.read(of: service, in: session.paths(controller)) : nil
            say(
                explanation.of(service, traffic: traffic), under: "Service \(name) on controller \(row.controller)")
        }
        try tellOfArchive(session)
        if moment == nil { try session.ensureAllRunning() }
    }

    /// - Parameter title: of whom it is told; nil where that was said above.
    private func say(_ lines: [String], under title: String? = nil) {
        for line in [title].compactMap(\.self) + lines.map({ "  \($0.printableLine)" }) {
            for part in line.wrapped(to: Terminal.width) { print(part) }
        }
    }

    /// Of a service that is gone, the log tells how it went.
    ///
    /// - Returns: whether there ever was one.
    private func tellOfGone(
        _ only: ControllerName?, _ moment: PastMoment?, _ session: Session
    ) throws(CommandFailure) -> Bool {
        guard let service = ServiceName(rawValue: name) else { return false }
        let events = try session.read { (log) throws(LogFailure) in try log.lifecycleEvents(of: only) }
        let controllers = Set(events.filter { $0.event.service == service }.map(\.controller))
        var isKnown = false
        for controller in controllers.sorted() {
            let lines = try session.explanation(of: controller, at: moment).ofGone(service)
            guard !lines.isEmpty else { continue }
            isKnown = true
            say(lines, under: "Service \(name), which is gone, on controller \(controller)")
        }
        guard isKnown else { return false }
        try tellOfArchive(session)
        if moment == nil { try session.ensureAllRunning() }
        return true
    }

    private func tellOfArchive(_ session: Session) throws(CommandFailure) {
        let start = try session.read { (log) throws(LogFailure) in try log.start() }
        if start.position > 0 {
            let line =
                "What happened up to event \(start.position) is archived: dwell explain \(name) --log \(start.file)"
            for part in line.wrapped(to: Terminal.width) { print(part) }
        }
    }

    /// What receivers of notices have not been told of the controller.
    private func untold(_ session: Session) throws(CommandFailure) -> [String] {
        try session.read { (log) throws(LogFailure) in
            let lags = try log.noticeLags(of: name).filter { $0.undelivered > 0 }
            return lags.isEmpty ? [] : Notify.lines(lags, try Clock.now())
        }
    }
}
