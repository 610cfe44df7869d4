import Foundation
import Lifecycle
import Reporting

/// A controller in `dwell report`.
struct UsageRow {
    var name: ControllerName
    var history: ControllerHistory
    var usage: UsageReport
    var whatIf: [WhatIf]
}

/// `dwell report` as text, JSON or comma-separated values.
struct UsageOutput {
    let rows: [UsageRow]
    let span: Range<Int64>
    let pricePerHour: Double?
    /// Columns there are; nil for as many as it takes.
    let width: Int?

    var lines: [String] {
        guard !rows.isEmpty else { return ["Nothing has happened yet."] }
        var table = Table(
            ["CONTROLLER", "BUSY", "IDLE", "STARTING", "STOPPED", "STARTS", "AVOIDED", "SAVED", "CRASHES"]
                + (pricePerHour == nil ? [] : ["COST", "OF IT IDLE"]))
        for row in rows {
            let usage = row.usage
            table.add(
                [
                    row.name.rawValue, span(usage.busySeconds), span(usage.idleSeconds), span(usage.startingSeconds),
                    span(usage.stoppedSeconds), String(usage.starts), String(usage.startsAvoided),
                    usage.meanStartSeconds == nil && usage.startsAvoided > 0
                        ? "-" : TimeText.seconds(usage.savedSeconds), String(usage.crashes),
                ] + (pricePerHour == nil ? [] : [cost(usage.paidSeconds), cost(usage.idleSeconds)]))
        }
        var lines =
            ["From \(clock(self.span.lowerBound)) to \(clock(self.span.upperBound))", ""] + table.lines(fitting: width)
        for row in rows {
            lines += ["", "\(row.name)"] + bars(row.usage)
            if row.history.idlePeriods.isEmpty { continue }
            lines += ["", "  with another idle window:"] + whatIf(row).map { "  " + $0 }
        }
        return lines
    }

    private func bars(_ usage: UsageReport) -> [String] {
        let parts = [
            ("busy", usage.busySeconds), ("idle", usage.idleSeconds), ("starting", usage.startingSeconds),
            ("stopped", usage.stoppedSeconds),
        ]
        let total = parts.reduce(0) { $0 + $1.1 }
        guard total > 0 else { return [] }
        // Beside it are its name and its share.
        let length = max(4, min(40, (width ?? 80) - 19))
        return parts.map { name, seconds in
            let share = seconds / total
            let filled = Int((share * Double(length)).rounded())
            let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: length - filled)
            return "  " + name.padding(toLength: 9, withPad: " ", startingAt: 0) + bar
                + String(format: " %5.1f %%", share * 100)
        }
    }

    private func whatIf(_ row: UsageRow) -> [String] {
        var table = Table(
            ["WINDOW", "IDLE", "STARTS", "AVOIDED", "WAITED FOR STARTS"]
                + (pricePerHour == nil ? [] : ["COST OF IDLING"]))
        for other in row.whatIf {
            let waited = waitedSeconds(other.starts, row.usage).map { TimeText.seconds($0) } ?? "-"
            table.add(
                [
                    TimeText.window(seconds: other.windowSeconds), span(other.idleSeconds), String(other.starts),
                    String(other.startsAvoided), waited,
                ] + (pricePerHour == nil ? [] : [cost(other.idleSeconds)]))
        }
        return table.lines(fitting: width.map { $0 - 2 })
    }

    private func span(_ seconds: Double) -> String { TimeText.span(microseconds: Int64(seconds * 1e6)) }

    /// For people.
    private func cost(_ seconds: Double) -> String { String(format: "%.2f", price(seconds) ?? 0) }

    /// Nil where it was not said what an hour costs.
    private func price(_ seconds: Double) -> Double? { pricePerHour.map { seconds / 3600 * $0 } }

    /// How long people would have waited for these starts, seconds; nil where none was ever measured.
    private func waitedSeconds(_ starts: Int, _ usage: UsageReport) -> Double? {
        usage.meanStartSeconds.map { $0 * Double(starts) }
    }

    private func clock(_ microseconds: Int64) -> String {
        // With the date, whatever day it is.
        TimeText.clock(
            atMicroseconds: microseconds, now: Instant(wallMicroseconds: 0, bootMicroseconds: 0, bootID: ""))
    }

    /// One line for each controller; other windows are told by the table and by JSON.
    var csv: [String] {
        let header = [
            "controller", "busy_seconds", "idle_seconds", "starting_seconds", "stopped_seconds", "starts",
            "starts_avoided", "mean_start_seconds", "saved_seconds", "crashes", "cost", "idle_cost",
        ]
        return [header.joined(separator: ",")]
            + rows.map { row in
                let usage = row.usage
                return [
                    row.name.rawValue, "\(usage.busySeconds)", "\(usage.idleSeconds)", "\(usage.startingSeconds)",
                    "\(usage.stoppedSeconds)", "\(usage.starts)", "\(usage.startsAvoided)",
                    usage.meanStartSeconds.map { "\($0)" } ?? "", "\(usage.savedSeconds)", "\(usage.crashes)",
                    price(usage.paidSeconds).map { "\($0)" } ?? "", price(usage.idleSeconds).map { "\($0)" } ?? "",
                ].joined(separator: ",")
            }
    }

    func json() throws -> String {
        let controllers = rows.map { row -> [String: Any] in
            let usage = row.usage
            var object: [String: Any] = [
                "name": row.name.rawValue, "busy_seconds": usage.busySeconds, "idle_seconds": usage.idleSeconds,
                "starting_seconds": usage.startingSeconds, "stopped_seconds": usage.stoppedSeconds,
                "starts": usage.starts, "starts_avoided": usage.startsAvoided, "saved_seconds": usage.savedSeconds,
                "crashes": usage.crashes,
                "mean_start_seconds": usage.meanStartSeconds.map { $0 as Any } ?? NSNull(),
                "what_if": row.whatIf.map { other in
                    var object: [String: Any] = [
                        "window_seconds": other.windowSeconds, "idle_seconds": other.idleSeconds,
                        "starts": other.starts, "starts_avoided": other.startsAvoided,
                        "waited_seconds": waitedSeconds(other.starts, usage).map { $0 as Any } ?? NSNull(),
                    ]
                    object["idle_cost"] = price(other.idleSeconds)
                    return object
                },
            ]
            object["cost"] = price(usage.paidSeconds)
            object["idle_cost"] = price(usage.idleSeconds)
            return object
        }
        let object: [String: Any] = [
            "since": Double(span.lowerBound) / 1e6, "until": Double(span.upperBound) / 1e6, "controllers": controllers,
        ]
        let data = try JSONSerialization.data(
            withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self)
    }
}
