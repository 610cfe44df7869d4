import ArgumentParser
import EventLog
import Foundation
import Lifecycle
import Reporting
import ServiceFile

struct Report: ParsableCommand, LogQuestion {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Show what controllers cost, and what staying warm saved.",
        discussion: """
            Hours up, idle and stopped; starts paid for and starts that a warm controller spared; what other \
            idle windows would have led to, all else being as it was.

            Examples:
              dwell report
              dwell report --since 7d --price 1.20/h
              dwell report --controller prod --what-if 2m,5m,10m,30m,1h
              dwell report --json
              dwell report --svg week.svg --since 7d
            """)

    @Option(
        help: ArgumentHelp("From this moment on; default: from the beginning.", valueName: "time"), completion: .times)
    var since: String?

    @Option(help: "Only this controller.", completion: .controllers)
    var controller: String?

    @Option(help: ArgumentHelp("What an hour up costs, such as 1.20/h.", valueName: "price"))
    var price: String?

    @Option(help: ArgumentHelp("Idle windows to compare with.", valueName: "times"))
    var whatIf = "2m,5m,10m,30m,1h"

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(help: "Print comma-separated values, a line for each controller, without other windows.")
    var csv = false

    @Option(
        help: ArgumentHelp("Draw a picture of it into this file, which is for you alone to read.", valueName: "file"),
        completion: .file(extensions: ["svg"]))
    var svg: String?

    @OptionGroup var source: LogOption

    func validate() throws {
        if json, csv { throw ValidationError("--json cannot be used together with --csv") }
    }

    func run() throws {
        let pricePerHour = try price.map { (text) throws(CommandFailure) in try Self.price(text) }
        let windows = try windows()
        let only = try controller.map { try NameArgument.controller($0) }
        let session = try source.session()
        let now = try Self.end(session)
        let from = try since.map { (text) throws(CommandFailure) in try TimeArgument.parse(text, for: "--since") }
        if let since, let from, from > now {
            let end = session.isOfFile ? "after the log's last event" : "in the future"
            throw CommandFailure("--since: \"\(since)\" is \(end)", exitCode: 2)
        }
        let events = try session.read { (log) throws(LogFailure) in try log.lifecycleEvents(of: only) }
        let byController = Dictionary(grouping: events, by: \.controller)
        let start = try session.read { (log) throws(LogFailure) in try log.start() }
        let bases = try session.read { (log) throws(LogFailure) in try log.bases(of: only) }
        let names = Set(byController.keys).union(bases.keys).sorted()
        let archived = try session.read { (log) throws(LogFailure) in try log.archivedStartsMicroseconds() }
        if let only, names.isEmpty { throw CommandFailure("controller \(only) has no history") }
        let first = start.position > 0 ? start.atMicroseconds : events.first?.stamp.atMicroseconds ?? now
        let span = min(from ?? first, now)..<max(now, from ?? first)
        let rows = names.map { name in
            let history = ControllerHistory(
                (byController[name] ?? []).lazy.filter { $0.event.type.isOfController }
                    .map { StampedEvent(event: $0.event, stamp: $0.stamp) },
                beginning: bases[name].map { ($0, start.atMicroseconds) },
                archivedStartsMicroseconds: archived.starts[name] ?? [], now: now)
            return UsageRow(
                name: name, history: history, usage: UsageReport(history, in: span),
                whatIf: windows.map { WhatIf(windowSeconds: $0, history, in: span, now: now) })
        }
        let revival = session.revival()
        if let svg { try draw(rows, byController, span, to: svg) }
        Self.pointToArchive(start, from)
        if let svg {
            print("drawn: \(svg)", to: json || csv ? .error : .output)
            if !json, !csv { return try revival.get() }
        }
        let output = UsageOutput(rows: rows, span: span, pricePerHour: pricePerHour, width: Terminal.width)
        // What is saved is not known without a start that was measured.
        if !archived.notThere.isEmpty,
            rows.contains(where: { $0.usage.startsAvoided > 0 && $0.usage.meanStartSeconds == nil })
        {
            print(
                "starts that were measured are archived, and these files are not there any more, so SAVED is not known for all: "
                    + archived.notThere.joined(separator: ", "), to: .error)
        }
        if json {
            print(try output.json())
        } else {
            for line in csv ? output.csv : output.lines { print(line) }
        }
        try revival.get()
    }

    /// Says where the rest is, when what is asked for reaches back to what was archived.
    private static func pointToArchive(_ start: LogStart, _ from: Int64?) {
        guard start.position > 0, from ?? .min < start.atMicroseconds else { return }
        // With the date, whatever day it is.
        let noDay = Instant(wallMicroseconds: 0, bootMicroseconds: 0, bootID: "")
        let until = TimeText.clock(atMicroseconds: start.atMicroseconds, now: noDay)
        print(
            "note: what came up to event \(start.position) (\(until)) is archived and not counted here: "
                + "dwell report --log \(start.file)", to: .error)
    }

    /// Before when it is told, microseconds since 1970. A file knows nothing of what came after its last event, which is
    /// told of itself.
    private static func end(_ session: Session) throws(CommandFailure) -> Int64 {
        try session.read { (log) throws(LogFailure) in
            let now = try Clock.now().wallMicroseconds
            guard let last = try log.time(atPosition: log.lastPosition()) else { return now }
            let after = last &+ 1
            // A clock that was set back may have put it before its last event.
            return session.isOfFile ? after : max(now, after)
        }
    }

    private static func price(_ text: String) throws(CommandFailure) -> Double {
        guard let match = text.wholeMatch(of: /([0-9]+(?:\.[0-9]+)?)(?:\s*\/\s*h)?/), let price = Double(match.1) else {
            throw CommandFailure(
                "--price: \"\(text)\" is not a price: write what an hour costs, such as 1.20/h", exitCode: 2)
        }
        return price
    }

    private func windows() throws(CommandFailure) -> [Double] {
        var windows: [Double] = []
        for part in whatIf.split(separator: ",") {
            do {
                windows.append(try IdleWindow.parse(String(part)))
            } catch {
                throw CommandFailure("--what-if: \(error.description)", exitCode: 2)
            }
        }
        guard !windows.isEmpty else {
            throw CommandFailure("--what-if: \"\(whatIf)\" names no window: write 2m,5m,10m", exitCode: 2)
        }
        return windows
    }

    private func draw(
        _ rows: [UsageRow], _ events: [ControllerName: [RecordedEvent]], _ span: Range<Int64>, to path: String
    ) throws(CommandFailure) {
        var lanes: [Timeline.Lane] = []
        for row in rows {
            lanes.append(
                Timeline.Lane(
                    name: row.name.rawValue, stretches: row.history.stretches, marks: row.history.crashes,
                    isService: false))
            lanes += ServiceStretches(events[row.name] ?? [], now: span.upperBound).lanes
        }
        let picture = Timeline(lanes, span: span, axis: TimeAxis(span).marks)
        try OutputFile.write(picture.svg, to: path)
    }
}

/// When each service was READY, as lanes of a picture.
private struct ServiceStretches {
    private(set) var lanes: [Timeline.Lane] = []

    init(_ events: [RecordedEvent], now: Int64) {
        var since: [ServiceName: Int64] = [:]
        var stretches: [ServiceName: [ControllerHistory.Stretch]] = [:]
        func end(_ service: ServiceName, _ at: Int64) {
            guard let began = since.removeValue(forKey: service) else { return }
            stretches[service, default: []].append(.init(condition: .busy, began: began, ended: at))
        }
        for recorded in events {
            let at = recorded.stamp.atMicroseconds
            switch recorded.event {
            case .serviceStatusChanged(let event) where event.to == .ready: since[event.service] = at
            case .serviceStatusChanged(let event): end(event.service, at)
            case .serviceGone(let event): end(event.service, at)
            default: break
            }
        }
        for service in since.keys { end(service, now) }
        lanes = stretches.keys.sorted().map {
            Timeline.Lane(name: $0.rawValue, stretches: stretches[$0] ?? [], isService: true)
        }
    }
}

/// Round moments along a span of time, in this machine's zone.
private struct TimeAxis {
    private(set) var marks: [(at: Int64, text: String)] = []

    init(_ span: Range<Int64>) {
        let seconds = Double(span.upperBound - span.lowerBound) / 1e6
        let steps: [Double] = [1, 5, 15, 60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000]
        let step = steps.first { seconds / $0 <= 12 } ?? (seconds / 12)
        let zone = Double(
            TimeZone.current.secondsFromGMT(for: Date(timeIntervalSince1970: Double(span.lowerBound) / 1e6)))
        var at = ((Double(span.lowerBound) / 1e6 + zone) / step).rounded(.up) * step - zone
        let now = Instant(wallMicroseconds: 0, bootMicroseconds: 0, bootID: "")
        while at * 1e6 < Double(span.upperBound), marks.count < 100 {
            let text = TimeText.clock(atMicroseconds: Int64(at * 1e6), now: now)
            let (date, time) = (String(text.prefix(10)), String(text.suffix(8)))
            let isMidnight = time == "00:00:00"
            marks.append((Int64(at * 1e6), isMidnight ? date : step < 60 ? time : String(time.prefix(5))))
            at += step
        }
    }
}
