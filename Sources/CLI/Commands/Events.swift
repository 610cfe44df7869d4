import ArgumentParser
import Controller
import EventLog
import Foundation
import Lifecycle
import ServiceFile

struct Events: FollowingCommand, LogQuestion {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Show what happened: when, to what, why, and who did it.",
        discussion: """
            Times are "2026-11-01 10:00", 10:00 (today), 2026-11-01T10:00:00Z, or 2h for two hours ago. \
            Names, types and actors may be patterns. A row that follows from another says which: "<- 41".

            Examples:
              dwell events --limit 20
              dwell events --since 2h --controller prod
              dwell events --type 'controller.*' --actor ann
              dwell events --service llm --replica 2 --reverse
              dwell events --follow --json | jq .type
              dwell events --log backup.db
            """)

    @Option(help: ArgumentHelp("Only what happened at or after this.", valueName: "time"), completion: .times)
    var since: String?

    @Option(help: ArgumentHelp("Only what happened before this.", valueName: "time"), completion: .times)
    var until: String?

    @Option(help: "Only of this controller.", completion: .controllersEver)
    var controller: String?

    @Option(help: "Only about this service.", completion: .servicesEver)
    var service: String?

    @Option(help: ArgumentHelp("Only about the replica with this id.", valueName: "id"))
    var replica: Int?

    @Option(
        help: ArgumentHelp(
            "Only of this type, such as replica.ready or 'replica.*'; may be repeated.", valueName: "type"),
        completion: .eventTypes)
    var type: [String] = []

    @Option(
        help: "Only by this user (ann, ann@desk) or component (cli, controller, keeper, timer, notifier).",
        completion: .actorsEver)
    var actor: String?

    @Option(help: ArgumentHelp("At most so many: the last ones.", valueName: "count"))
    var limit: Int?

    @Flag(help: "The newest first.")
    var reverse = false

    @Flag(name: [.customShort("f"), .customLong("follow")], help: "Go on with what happens from now on.")
    var follows = false

    @Flag(help: "Print one CloudEvents 1.0 object a line.")
    var json = false

    @OptionGroup var source: LogOption

    func validate() throws {
        if let limit, limit < 0 { throw ValidationError("--limit must not be negative") }
        if follows, reverse { throw ValidationError("--follow cannot be used together with --reverse") }
        if follows, source.file != nil { throw ValidationError("--follow cannot be used together with --log") }
        if follows, until != nil { throw ValidationError("--follow cannot be used together with --until") }
    }

    var isFollowing: Bool { follows }

    func run() throws { try show(query(), source.session()) }

    func follow() async throws {
        var query = try query()
        let session = try source.session()
        var position = try show(query, session)
        query.limit = nil
        let printer = EventPrinter(json: json, source: session.log.source)
        for await _ in Commits.ticks(session.log.bell) {
            query.after = position
            try showArchived(query, printer, session)
            position = try session.read { (log) throws(LogFailure) in try log.audit(query) { printer.print($0) } }
        }
    }

    /// - Returns: the position up to which it was shown.
    @discardableResult
    private func show(_ query: EventQuery, _ session: Session) throws -> Int {
        let revival = session.revival()
        let printer = EventPrinter(json: json, source: session.log.source)
        var isEmpty = true
        let position = try session.read { (log) throws(LogFailure) in
            try log.audit(query, reversed: reverse) { rows in
                isEmpty = isEmpty && rows.isEmpty
                printer.print(rows)
            }
        }
        if isEmpty { try sayWhatIsUnknown(query, session) }
        try pointToArchive(query, session)
        try revival.get()
        return position
    }

    /// Shows what was archived before it was read.
    private func showArchived(_ query: EventQuery, _ printer: EventPrinter, _ session: Session) throws {
        var query = query
        for archive in try session.read({ (log) throws(LogFailure) in try log.archives(after: query.after) }) {
            query.through = archive.through
            do throws(LogFailure) {
                query.after = try EventLog.reading(file: archive.file).audit(query) { printer.print($0) }
            } catch {
                throw CommandFailure(
                    "events \(query.after + 1) to \(archive.through) were archived before they were shown, and: \(error)"
                )
            }
        }
    }

    /// Nothing matched: a name that the log never held is most likely why, or a moment that is still to come.
    private func sayWhatIsUnknown(_ query: EventQuery, _ session: Session) throws {
        let now = try session.read { (_) throws(LogFailure) in try Clock.now() }
        if let since, let moment = query.sinceMicroseconds, moment > now.wallMicroseconds {
            print("note: --since: \"\(since)\" is in the future", to: .error)
        }
        try sayWhatNameIsUnknown(session)
        try sayWhoIsUnknown(session)
        try sayWhatReplicaIsUnknown(session)
    }

    private func sayWhoIsUnknown(_ session: Session) throws {
        guard let actor else { return }
        let known = try session.read { (log) throws(LogFailure) in try log.knownActors() }
        guard !known.contains(where: { Glob.matches($0, actor) || Glob.matches($0, actor + "@*") }) else { return }
        let there =
            known.isEmpty
            ? "there is nobody at all"
            : "there is " + (NearestKey.to(actor, among: known) ?? known.prefix(10).joined(separator: ", "))
        print("note: nothing was done by \(actor); \(there)", to: .error)
    }

    private func sayWhatReplicaIsUnknown(_ session: Session) throws {
        guard let replica else { return }
        let known = try session.read { (log) throws(LogFailure) in try log.knownReplicas(of: service) }
        if let known, known.contains(replica) { return }
        let there = known.map {
            $0.count == 1 ? "there is \($0.lowerBound)" : "there are \($0.lowerBound) to \($0.upperBound)"
        }
        let place = service.map { " of service \($0)" } ?? ""
        print("note: no event is about a replica \(replica)\(place); \(there ?? "there is none at all")", to: .error)
    }

    private func sayWhatNameIsUnknown(_ session: Session) throws {
        guard controller != nil || service != nil else { return }
        let known = try session.read { (log) throws(LogFailure) in try log.knownNames() }
        for (what, name, names) in [
            ("controller", controller, known.controllers), ("service", service, known.services),
        ] {
            guard let name, !names.contains(where: { Glob.matches($0, name) }) else { continue }
            let there =
                names.isEmpty
                ? "none at all"
                : NearestKey.to(name, among: names).map { "\($0)" } ?? names.prefix(10).joined(separator: ", ")
            print("note: no event is about a \(what) \(name); there is \(there)", to: .error)
        }
    }

    /// Says where the rest is, when what was asked for reaches back to what was archived.
    private func pointToArchive(_ query: EventQuery, _ session: Session) throws {
        let start = try session.read { (log) throws(LogFailure) in try log.start() }
        guard start.position > 0, limit == nil, query.sinceMicroseconds ?? .min <= start.atMicroseconds else { return }
        print("note: events up to \(start.position) are archived: dwell events --log \(start.file)", to: .error)
    }

    private func query() throws(CommandFailure) -> EventQuery {
        var query = EventQuery()
        if let since { query.sinceMicroseconds = try TimeArgument.parse(since, for: "--since") }
        if let until { query.untilMicroseconds = try TimeArgument.parse(until, for: "--until") }
        if let since, let until, let begin = query.sinceMicroseconds, let end = query.untilMicroseconds, end <= begin {
            throw CommandFailure("--until: \"\(until)\" is not after --since \"\(since)\"", exitCode: 2)
        }
        query.controller = controller
        query.service = service
        query.replica = replica
        for pattern in type { try Self.requireKnown(pattern) }
        query.types = type
        if actor == "" {
            throw CommandFailure(
                "--actor: \"\" names nobody: write a user (ann, ann@desk) or a component (cli, controller)", exitCode: 2
            )
        }
        query.actor = actor
        query.limit = limit
        return query
    }

    /// Types are a closed list, so one that is not on it is a slip of the finger.
    private static func requireKnown(_ pattern: String) throws(CommandFailure) {
        let types = EventType.allCases.map(\.rawValue)
        guard !types.contains(where: { Glob.matches($0, pattern) }) else { return }
        let nearest = NearestKey.to(pattern, among: types).map { "did you mean \($0)? " } ?? ""
        throw CommandFailure(
            "--type: there is no type \"\(pattern)\"; \(nearest)Types are controller.…, service.…, load_balancer.… and "
                + "replica.…: docs/events.schema.json names them, and so does the shell after Tab", exitCode: 2)
    }
}

/// Patterns as the log knows them.
enum Glob {
    static func matches(_ text: String, _ pattern: String) -> Bool { fnmatch(pattern, text, 0) == 0 }
}
