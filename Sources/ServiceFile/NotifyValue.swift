import Foundation
import Lifecycle

/// `notify` of `config.yaml`: who is told what happens, one receiver or a list of them.
///
///     notify:
///       - {name: pager, url: "https://hooks.example.org/dwell", on: [controller.stopped, "service.*"]}
///       - command: ./tell.sh
///         controllers: [prod]
enum NotifyValue {
    static func read(_ file: Section) -> [NoticeReceiver] {
        guard let entry = file.entry("notify") else { return [] }
        let nodes: [YAMLNode]
        switch entry.value.content {
        case .list(let list): nodes = list
        case .map: nodes = [entry.value]
        case .null, .bool, .number, .string:
            file.problem("must be a list of {command: …} and {url: …}, not \(entry.value.inWords)", key: "notify")
            return []
        }
        var receivers: [NoticeReceiver] = []
        for (index, node) in nodes.enumerated() {
            guard case .map = node.content else {
                file.problem("must be {command: …} or {url: …}, not \(node.inWords)", key: "notify", at: node.line)
                continue
            }
            let section = Section(node, path: "notify[\(index)]", findings: file.findings)
            guard let receiver = read(section, index) else { continue }
            if receivers.contains(where: { isTheSame($0, receiver) }) {
                section.problem("is there already; give each a `name` of its own")
            } else {
                receivers.append(receiver)
            }
        }
        return receivers
    }

    /// How long a receiver may take for one event.
    private static let standardTimeoutSeconds: Double = 10

    private static func read(_ section: Section, _ index: Int) -> NoticeReceiver? {
        section.refuseUnknownKeys(known: ["name", "command", "url", "headers", "on", "controllers", "timeout"])
        let name = name(section)
        var way: NoticeReceiver.Way?
        var label = "command \(index + 1)"
        if section.has("command") == section.has("url") {
            section.problem("needs a `command` or a `url`, one of them")
        } else if section.has("command") {
            way = section.command("command").map { .command($0) }
        } else if let text = section.string("url", wanted: "a URL such as https://hooks.example.org/dwell") {
            if let host = host(text) {
                (way, label) = (.url(text), host)
            } else if URLComponents(string: text)?.user != nil {
                section.problem(
                    "must be a URL without a user and a password, which are for `headers`: {Authorization: Basic …}",
                    key: "url")
            } else {
                // Not the text itself: it may be a secret.
                section.problem("must be a URL of http or https, such as https://hooks.example.org/dwell", key: "url")
            }
        }
        if section.has("headers"), section.has("command") { section.problem("belongs to a `url`", key: "headers") }
        let headers = headers(section)
        let selection = NoticeSelection(types: types(section), controllers: controllers(section))
        var timeout = standardTimeoutSeconds
        if section.has("timeout") {
            timeout = section.duration("timeout", unitSeconds: 1, wanted: wantedTimeout) ?? timeout
            if timeout < 0.1 || timeout > 3_600 { section.problem("must be \(wantedTimeout)", key: "timeout") }
        }
        return way.map {
            NoticeReceiver(
                name: name, label: name ?? label, way: $0, headers: headers, selection: selection,
                timeoutSeconds: timeout)
        }
    }

    private static let wantedTimeout = "a time of 0.1 s to an hour, such as 10s"

    private static func isTheSame(_ one: NoticeReceiver, _ other: NoticeReceiver) -> Bool {
        if one.name == nil, other.name == nil { return one.way == other.way }
        return one.name == other.name
    }

    private static func name(_ section: Section) -> String? {
        guard let name = section.string("name", wanted: "a name") else { return nil }
        // It names files too.
        guard ControllerName(rawValue: name) != nil else {
            section.problem("cannot be a name: names are \(NameRule.inWords)", key: "name")
            return nil
        }
        return name
    }

    /// Scheme, host and port: what may be shown of a URL. Nil for what is no URL to post to.
    private static func host(_ text: String) -> String? {
        guard !text.contains(where: { $0.isWhitespace || $0.isNewline }), let parts = URLComponents(string: text),
            let scheme = parts.scheme?.lowercased(), ["http", "https"].contains(scheme), let host = parts.host,
            !host.isEmpty, parts.user == nil, (1...65_535).contains(parts.port ?? 80)
        else { return nil }
        return "\(scheme)://\(host)" + (parts.port.map { ":\($0)" } ?? "")
    }

    private static func headers(_ section: Section) -> [String: String] {
        var headers: [String: String] = [:]
        for entry in section.section("headers")?.entries ?? [] {
            let value: String? =
                switch entry.value.content {
                case .string(let text), .number(_, let text): text
                case .null, .bool, .list, .map: nil
                }
            let isName = entry.key.wholeMatch(of: /[A-Za-z0-9!#$%&'*+.^_`|~-]+/) != nil
            let isValue = value?.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value < 127 } == true
            guard isName, isValue, let value else {
                section.problem(
                    "must be names and values of HTTP headers, each a line of ASCII", key: "headers", at: entry.keyLine)
                continue
            }
            headers[entry.key] = value
        }
        return headers
    }

    /// The types that the patterns under `on` pick, of those there are.
    private static func types(_ section: Section) -> [EventType] {
        guard section.has("on") else { return NoticeSelection.standardTypes }
        let wanted = "types of events such as controller.stopped or service.*"
        let written = section.texts("on", wanted: "a list of \(wanted)")
        if case .list(let list) = section.entry("on")?.value.content, list.isEmpty {
            section.problem("picks nothing; say \(wanted), or leave it out", key: "on")
        }
        let picked = written.map { text in
            // As CloudEvents call them.
            let pattern = text.hasPrefix("dwell.") ? String(text.dropFirst("dwell.".count)) : text
            let types = EventType.allCases.filter { fnmatch(pattern, $0.rawValue, 0) == 0 }
            if types.isEmpty {
                let known = EventType.allCases.map(\.rawValue)
                let hint = NearestKey.to(pattern, among: known).map { "did you mean \($0)?" } ?? "see dwell events"
                section.problem("must be \(wanted), which \"\(text.shortened)\" is not; \(hint)", key: "on")
            }
            return types
        }
        return EventType.allCases.filter { type in picked.contains { $0.contains(type) } }
    }

    private static func controllers(_ section: Section) -> [String] {
        guard section.has("controllers") else { return [] }
        let patterns = section.texts("controllers", wanted: "a list of controllers such as [prod, \"team-*\"]")
        if case .list(let list) = section.entry("controllers")?.value.content, list.isEmpty {
            section.problem("names none; say which, or leave it out for all", key: "controllers")
        }
        for pattern in patterns where pattern.wholeMatch(of: /[A-Za-z0-9._*?-]+/) == nil {
            section.problem("must be names of controllers, or patterns of them such as team-*", key: "controllers")
        }
        return patterns
    }
}
