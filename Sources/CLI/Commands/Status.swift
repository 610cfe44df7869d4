import ArgumentParser
import Controller
import EventLog
import Foundation
import Lifecycle
import Reporting
import ServiceFile

struct Status: FollowingCommand, LogQuestion {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show controllers, services and replicas.",
        discussion: """
            Answers from the database alone, also when no controller process lives. Of a moment of the past it does \
            not tell what the log does not hold: when a service with idle_down was asked last, what receivers of \
            notices had taken, and whether files for TLS were good.

            Examples:
              dwell status
              dwell status hello
              dwell status hello --endpoint             only where it is served
              dwell status --json
              dwell status --watch
              dwell status --at "2026-11-01 10:00"      what it showed then
              dwell status --at-position 41             when event 41 was the last
              dwell status --log backup.db              what a backup says
            """)

    @Argument(help: "Only this service, or this controller.", completion: .names)
    var name: String?

    @Flag(help: "Print the endpoint of the service, and nothing else.")
    var endpoint = false

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(help: "Go on showing it as it changes, with what is left counted down; Ctrl-C ends it.")
    var watch = false

    @Option(help: ArgumentHelp("What it showed at this moment.", valueName: "time"), completion: .times)
    var at: String?

    @Option(help: ArgumentHelp("What it showed when this event was the last.", valueName: "position"))
    var atPosition: Int?

    @Flag(name: .shortAndLong, help: "Say where each value of a controller's autostop comes from.")
    var verbose = false

    @Flag(help: "List terminated controllers too.")
    var all = false

    @OptionGroup var source: LogOption

    func validate() throws {
        if at != nil, atPosition != nil { throw ValidationError("say one of --at and --at-position") }
        if watch, at != nil || atPosition != nil || json {
            throw ValidationError(
                "--watch shows what is true now, for people: leave out --at, --at-position and --json")
        }
        if endpoint {
            if name == nil { throw ValidationError("--endpoint needs the name of a service") }
            if watch || json { throw ValidationError("--endpoint cannot be used with --watch or --json") }
        }
        if watch, source.file != nil { throw ValidationError("--watch cannot be used together with --log") }
    }

    var isFollowing: Bool { watch }

    func follow() async throws {
        try await StatusWatch(source.session(), name: name, all: all).run()
    }

    func run() throws {
        let session = try source.session()
        let report: StatusReport
        let moment =
            try at.map { try PastMoment($0, for: "--at", session) }
            ?? atPosition.map { try PastMoment(position: $0, for: "--at-position", session) }
        if let moment {
            report = try moment.report(session)
        } else {
            report = try session.read { (log) throws(LogFailure) in try log.status() }
        }
        var view = try StatusView(report, name: name, all: all, isVerbose: verbose)
        if endpoint {
            try printEndpoint(view)
            return try session.revival().get()
        }
        // Hooks and profiles are in the file alone, which says what is so now.
        if verbose, moment == nil, !session.isOfFile {
            view.configuration = try? Configuration.load(path: session.home.configuration)
        }
        if verbose { view.policies = try session.policies(of: view.controllers, atPosition: moment?.position) }
        if moment == nil, name == nil { view.lags = try lags(session) }
        try view.look(session, atPosition: moment?.position, isNow: moment == nil && !session.isOfFile)
        let revival = session.revival()
        if json {
            print(try StatusJSON(view).text)
        } else {
            for line in StatusTables(view, width: Terminal.width).lines { print(StatusColours.paint(line)) }
        }
        try revival.get()
    }

    private func printEndpoint(_ view: StatusView) throws(CommandFailure) {
        let services = view.services.filter { $0.name == name }
        let endpoints = services.map(\.endpoint)
        guard let first = endpoints.first else { throw CommandFailure("\(name ?? "") is no service") }
        guard endpoints.count == 1 else {
            throw CommandFailure(
                "service \(name ?? "") is on several controllers: \(endpoints.joined(separator: ", "))")
        }
        print(first)
    }

    /// Receivers of notices: all for whoever wants to know more, else those that do not take what they are told.
    private func lags(_ session: Session) throws(CommandFailure) -> [NoticeLag] {
        try session.read { (log) throws(LogFailure) in
            let isLate = try log.noticeReceivers().contains { $0.failures > 0 }
            return verbose || json || isLate ? try log.noticeLags() : []
        }
    }
}

/// What of a report is to be shown.
struct StatusView {
    let now: Instant
    let controllers: [ControllerRow]
    let services: [ServiceRow]
    let replicas: [ReplicaRow]
    let deadlines: [DeadlineRow]
    /// Services of every controller that is shown, also those that are not.
    private let allServices: [ServiceRow]
    /// Terminated controllers that are not shown.
    let hidden: Int

    /// Whether to say where values come from.
    let isVerbose: Bool
    /// What the tables do not hold of the policies of those controllers, when it is to be told.
    var policies: [String: AutostopPolicy] = [:]
    /// What `config.yaml` says, likewise.
    var configuration: Configuration?

    /// Receivers of notices, as far as they are to be told of.
    var lags: [NoticeLag] = []

    /// What the last events of the controllers tell besides.
    private(set) var sights: [String: ControllerSight] = [:]
    /// What is before services that go when nobody asks for them.
    private(set) var idleDowns: [String] = []
    /// What besides services keeps controllers up that have none.
    private(set) var uses: [String] = []
    /// What keeps clients of a service from speaking TLS.
    private(set) var brokenTLS: [String] = []

    /// Reads what the tables do not hold.
    ///
    /// - Parameters:
    ///   - position: of the last event there was at the moment that is shown; nil for the last there is.
    ///   - isNow: whether it shows the present, of which load balancers tell.
    mutating func look(_ session: Session, atPosition position: Int? = nil, isNow: Bool) throws(CommandFailure) {
        let shown = controllers
        sights = try session.read { (log) throws(LogFailure) in try log.sights(of: shown) }
        if isNow { try lookAtTLS(session) }
        for row in shown where row.status == ControllerStatus.up.rawValue && liveServices(of: row) == 0 {
            let state = try session.state(of: NameArgument.controller(row.name), atPosition: position)
            uses += Explanation.uses(of: state, TimeText.words(at: now)).map { "controller \(row.name): \($0)" }
        }
        for row in services where row.loadBalancer != nil && row.spec.mentions("\"idleDownSeconds\"") {
            let (controller, name) = (try NameArgument.controller(row.controller), try NameArgument.service(row.name))
            let state = try session.state(of: controller, atPosition: position)
            guard let service = state.services[name], !service.isEnding else { continue }
            // Who asked when is not in the log.
            let traffic = isNow ? TrafficReporter.read(of: name, in: session.paths(controller)) : nil
            let text = Explanation.idleDown(service, traffic, now, TimeText.words(at: now))
            idleDowns += text.map { ["\(name): \($0)"] } ?? []
        }
    }

    /// A load balancer goes on with the pair it has; one that starts needs one that is good.
    private mutating func lookAtTLS(_ session: Session) throws(CommandFailure) {
        for row in services where row.loadBalancer != nil && row.spec.mentions("\"tls\"") {
            let (controller, name) = (try NameArgument.controller(row.controller), try NameArgument.service(row.name))
            let state = try session.read { (log) throws(LogFailure) in try log.state(of: controller) }
            guard let files = state.services[name]?.servedTLS,
                let problem = TLSExamination(reading: files).problem
            else { continue }
            brokenTLS.append(
                "\(name): its load balancer goes on with the pair that it has read, and none could be started now: "
                    + problem.message)
        }
    }

    /// Whether it is idle and yet never stops by itself, because all the time there is lies within `keep_warm`.
    func isWarmForEver(_ controller: ControllerRow) -> Bool {
        controller.status == ControllerStatus.idle.rawValue && controller.idleTimeoutSeconds != nil
            && controller.pausedBy == nil && autostopRemaining(of: controller) == nil
    }

    init(_ report: StatusReport, name: String?, all: Bool, isVerbose: Bool = false) throws(CommandFailure) {
        self.isVerbose = isVerbose
        now = report.now
        deadlines = report.deadlines
        allServices = report.services
        guard let name else {
            controllers = report.controllers.filter { all || $0.status != ControllerStatus.terminated.rawValue }
            services = report.services
            replicas = report.replicas
            hidden = report.controllers.count - controllers.count
            return
        }
        hidden = 0
        let named = report.services.filter { $0.name == name }
        if !named.isEmpty {
            services = named
            controllers = report.controllers.filter { row in named.contains { $0.controller == row.name } }
            replicas = report.replicas.filter { $0.service == name }
            return
        }
        controllers = report.controllers.filter { $0.name == name }
        services = report.services.filter { $0.controller == name }
        replicas = report.replicas.filter { $0.controller == name }
        guard controllers.isEmpty else { return }
        let known = Set(report.services.map(\.name) + report.controllers.map(\.name)).sorted()
        throw CommandFailure(
            known.isEmpty
                ? "no service or controller \(name): there are none"
                : "no service or controller \(name); there is \(known.joined(separator: ", "))")
    }

    /// Microseconds until the controller stops by itself, if it is idle and will; negative when that is
    /// overdue, because nothing of dwell has run since.
    func autostopRemaining(of controller: ControllerRow) -> Int64? {
        deadlines.first { $0.controller == controller.name && $0.kind == PendingDeadline.Key.idle.kind }
            .map { $0.deadline.remainingMicroseconds(at: now) }
    }

    /// When the controller stops by itself, if it is idle and will; microseconds since 1970.
    func autostopAt(of controller: ControllerRow) -> Int64? {
        deadlines.first { $0.controller == controller.name && $0.kind == PendingDeadline.Key.idle.kind }
            .map { $0.deadline.shownMicroseconds(at: now) }
    }

    /// Microseconds until the controller, which is stopped, is terminated, if it will be.
    func terminationRemaining(of controller: ControllerRow) -> Int64? {
        deadlines.first { $0.controller == controller.name && $0.kind == PendingDeadline.Key.termination.kind }
            .map { $0.deadline.remainingMicroseconds(at: now) }
    }

    /// Until when its start is held back, if it is.
    func heldStart(of controller: ControllerRow) -> Deadline? {
        deadlines.first { $0.controller == controller.name && $0.kind == PendingDeadline.Key.start.kind }?.deadline
    }

    /// Microseconds it has been idle, if it is.
    func idleTime(of controller: ControllerRow) -> Int64? {
        guard controller.status == ControllerStatus.idle.rawValue else { return nil }
        let deadline = deadlines.first {
            $0.controller == controller.name && $0.kind == PendingDeadline.Key.idle.kind
        }?.deadline
        // A wall clock that was set since makes it idle no longer.
        let moved = deadline?.wallClockMoved(at: now) ?? 0
        return controller.sinceMicroseconds.map { max(0, now.wallMicroseconds &- moved &- $0) }
    }

    /// Services it has.
    func serviceCount(of controller: ControllerRow) -> Int {
        allServices.count { $0.controller == controller.name }
    }

    /// Services that hold the controller up.
    func liveServices(of controller: ControllerRow) -> Int {
        allServices.count { $0.controller == controller.name && $0.live }
    }
}

extension Deadline {
    /// The wall time to show for it. It is the one that was recorded, the same from whatever moment it is seen, unless
    /// the wall clock was set since: then the boot clock tells when it will be.
    func shownMicroseconds(at now: Instant) -> Int64 {
        let seen = now.wallMicroseconds &+ remainingMicroseconds(at: now)
        return abs(seen &- wallMicroseconds) < 1_000_000 ? wallMicroseconds : seen
    }
}

extension String {
    /// Whether these words are in it, as far as its first zero. To compare texts as Foundation does, it would copy it.
    fileprivate func mentions(_ words: String) -> Bool { strstr(self, words) != nil }
}
