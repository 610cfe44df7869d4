import Foundation
import Lifecycle

/// `service.readiness_probe`: a path, or a section.
enum ReadinessProbeSection {
    static func read(_ service: Section) -> ReadinessProbe {
        var probe = ReadinessProbe()
        guard let entry = service.entry("readiness_probe") else { return probe }
        if case .string(let path) = entry.value.content {
            probe.path = checked(path, "readiness_probe", in: service)
            return probe
        }
        guard case .map = entry.value.content else {
            service.problem(
                "must be a path such as /health, or a section with `path`, not \(entry.value.inWords)",
                key: "readiness_probe")
            return probe
        }
        let section = Section(entry.value, path: service.fullKey("readiness_probe"), findings: service.findings)
        section.refuseUnknownKeys(
            known: [
                "path", "initial_delay_seconds", "timeout_seconds", "endpoint_probe_interval_seconds",
                "consecutive_failure_threshold_timeout", "post_data", "headers",
            ], elsewhere: ["replicas": "service"])
        if let path = section.string("path", wanted: "a path such as /health") {
            probe.path = checked(path, "path", in: section)
        } else if !section.has("path") {
            section.problem("has no `path`; say which path to ask, such as `path: /health`")
        }
        if let seconds = section.seconds("initial_delay_seconds") { probe.initialDelaySeconds = seconds }
        if let seconds = section.seconds("timeout_seconds", exclusive: true) { probe.timeoutSeconds = seconds }
        if let seconds = section.seconds("endpoint_probe_interval_seconds") {
            probe.endpointProbeIntervalSeconds = max(seconds, ReadinessProbe.shortestIntervalSeconds)
        }
        if let seconds = section.seconds("consecutive_failure_threshold_timeout") {
            probe.consecutiveFailureThresholdSeconds = seconds
        }
        probe.postData = postData(section)
        probe.headers = headers(section)
        return probe
    }

    private static func checked(_ path: String, _ key: String, in section: Section) -> String {
        guard path.hasPrefix("/") else {
            section.problem("must start with a slash, as in /\(path.shortened)", key: key)
            return "/"
        }
        return encoded(path)
    }

    /// As in a URL: what may not stand in one is written as %XX, as SkyPilot's HTTP client does.
    private static func encoded(_ path: String) -> String {
        var result = ""
        for byte in path.utf8 {
            if byte > 0x20, byte < 0x7f {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                result += "%" + (hex.count == 1 ? "0" : "") + hex
            }
        }
        return result
    }

    /// JSON text; a probe that has it is a POST.
    private static func postData(_ section: Section) -> String? {
        guard let entry = section.entry("post_data") else { return nil }
        switch entry.value.content {
        case .map:
            if let date = entry.value.firstDate {
                section.problem(
                    "has a date in it, which JSON does not know; put it in quotes", key: "post_data", at: date.line)
            }
            return entry.value.json
        case .string(let text):
            if (try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)) == nil {
                section.problem("must be JSON; this text is not", key: "post_data")
            }
            return text
        case .null, .bool, .number, .list:
            section.problem("must be a section or JSON text, not \(entry.value.inWords)", key: "post_data")
            return nil
        }
    }

    private static func headers(_ section: Section) -> [String: String] {
        guard let headers = section.section("headers") else { return [:] }
        var values: [String: String] = [:]
        for entry in headers.entries {
            guard entry.key.wholeMatch(of: /[!#$%&'*+.^_`|~0-9A-Za-z-]+/) != nil else {
                headers.problem("is not a name for an HTTP header", key: entry.key.shortened, at: entry.keyLine)
                continue
            }
            guard case .string(let value) = entry.value.content, !entry.value.isDate else {
                headers.problem(
                    "must be a text (in quotes), not \(entry.value.inWords)", key: entry.key, at: entry.keyLine)
                continue
            }
            guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
                headers.problem(
                    "must not have a line break or control character in it", key: entry.key, at: entry.keyLine)
                continue
            }
            values[entry.key] = value
        }
        return values
    }
}
