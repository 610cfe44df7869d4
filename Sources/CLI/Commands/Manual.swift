import ArgumentParser
import Foundation

/// Writes manual pages from the same source as `--help`. Called by `make install`.
struct Manual: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manual", abstract: "Write manual pages into a folder.", shouldDisplay: false)

    @Argument(help: "The folder.", completion: .directory)
    var folder: String

    func run() throws {
        let data = Data(Dwell._dumpHelp().utf8)
        guard let root = try JSONSerialization.jsonObject(with: data) as? [String: Any],
            let command = root["command"] as? [String: Any]
        else { throw CommandFailure("the help cannot be read") }
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for page in ManualPage.pages(of: command) {
                try Data(page.text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(page.name).1"))
            }
        } catch {
            throw CommandFailure("cannot write to \(folder): \((error as NSError).localizedDescription)")
        }
    }
}

/// A page in mdoc(7), made of what ArgumentParser tells of a command.
struct ManualPage {
    let name: String
    private let command: [String: Any]
    private let title: String

    /// The command's own page and those of the commands under it, but for those that are not for people.
    static func pages(of command: [String: Any]) -> [ManualPage] {
        let root = command["commandName"] as? String ?? "dwell"
        let children = commands(under: command)
        return [ManualPage(name: root, command: command, title: root)]
            + children.map { child in
                let name = child["commandName"] as? String ?? ""
                return ManualPage(name: "\(root)-\(name)", command: child, title: "\(root) \(name)")
            }
    }

    /// Those for people.
    private static func commands(under command: [String: Any]) -> [[String: Any]] {
        (command["subcommands"] as? [[String: Any]] ?? []).filter {
            $0["shouldDisplay"] as? Bool != false && $0["commandName"] as? String != "help"
        }
    }

    var text: String {
        var lines = [
            ".Dd $Mdocdate$", ".Dt \(name.uppercased()) 1", ".Os", ".Sh NAME", ".Nm \(title)",
            ".Nd \(Self.escaped(abstract))", ".Sh SYNOPSIS", ".Nm \(title)",
        ]
        for argument in arguments { lines.append(synopsis(argument)) }
        lines += [".Sh DESCRIPTION"] + prose
        if !arguments.isEmpty {
            lines += [".Bl -tag -width Ds"]
            for argument in arguments {
                lines.append(".It \(head(argument))")
                lines.append(Self.escaped(argument["abstract"] as? String ?? ""))
                if let value = argument["defaultValue"] as? String, !value.isEmpty {
                    lines.append("(default: \(Self.escaped(value)))")
                }
            }
            lines.append(".El")
        }
        let commands = Self.commands(under: command)
        if !commands.isEmpty {
            lines += [".Ss Commands", ".Bl -tag -width Ds"]
            for command in commands {
                let name = command["commandName"] as? String ?? ""
                lines += [".It Xr \(self.name)-\(name) 1", Self.escaped(command["abstract"] as? String ?? "")]
            }
            lines.append(".El")
        }
        if !examples.isEmpty { lines += [".Sh EXAMPLES", ".Bd -literal"] + examples.map(Self.escaped) + [".Ed"] }
        lines += [
            ".Sh EXIT STATUS", "0 when it succeeded, 1 when it failed, 2 for a wrong command line or file.",
            ".Sh ENVIRONMENT", ".Bl -tag -width Ds", ".It Ev DWELL_HOME",
            "Where everything is kept; default: ~/.dwell.",
            ".El",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    private var abstract: String {
        var text = command["abstract"] as? String ?? ""
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }

    /// What comes before the examples.
    private var prose: [String] {
        let paragraphs = discussion.prefix { $0 != "Examples:" }
        return paragraphs.map { $0.isEmpty ? ".Pp" : Self.escaped($0) }.trimmingBlankEnds
    }

    private var examples: [String] {
        Array(discussion.drop { $0 != "Examples:" }.dropFirst())
    }

    private var discussion: [String] {
        (command["discussion"] as? String ?? "").split(separator: "\n", omittingEmptySubsequences: false).map(
            String.init)
    }

    private var arguments: [[String: Any]] {
        (command["arguments"] as? [[String: Any]] ?? []).filter { $0["shouldDisplay"] as? Bool != false }
    }

    private func synopsis(_ argument: [String: Any]) -> String {
        argument["isOptional"] as? Bool == true || argument["kind"] as? String != "positional"
            ? ".Op \(head(argument))" : ".\(head(argument))"
    }

    /// `Fl \-tail Ar lines`, `Ar name ...`.
    private func head(_ argument: [String: Any]) -> String {
        let value = argument["valueName"] as? String ?? "value"
        let more = argument["isRepeating"] as? Bool == true ? " ..." : ""
        let names = (argument["names"] as? [[String: Any]] ?? []).map { name in
            "Fl \(name["kind"] as? String == "long" ? "\\-" : "")\(name["name"] as? String ?? "")"
        }
        guard !names.isEmpty else { return "Ar \(value)\(more)" }
        return names.joined(separator: " , ") + (argument["kind"] as? String == "option" ? " Ar \(value)" : "") + more
    }

    /// A line that begins with a dot or a quote would be taken for a request, and a backslash for an escape.
    private static func escaped(_ text: String) -> String {
        let text = text.replacing("\\", with: "\\e")
        return text.hasPrefix(".") || text.hasPrefix("'") ? "\\&" + text : text
    }
}

extension [String] {
    fileprivate var trimmingBlankEnds: [String] {
        var lines = self
        while lines.last == ".Pp" { lines.removeLast() }
        while lines.first == ".Pp" { lines.removeFirst() }
        return lines
    }
}
