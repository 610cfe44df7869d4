import Foundation
import Lifecycle

/// Hooks of `config.yaml`: `hooks:` for all controllers, `controllers.NAME.hooks:` for one, value by value.
///
///     hooks:
///       stop: aws ec2 stop-instances --instance-ids i-123
///       idle: {run: ./tell-me.sh, timeout: 10s}
public struct Hooks: Hashable, Sendable {
    public internal(set) var byKind: [HookKind: HookCommand] = [:]

    /// How long a hook may take unless it is said: it holds up a machine that is paid for.
    public static let standardTimeoutSeconds: Double = 60

    init() {}

    init(_ section: Section) {
        section.refuseUnknownKeys(known: HookKind.allCases.map(\.rawValue) + ["down"], elsewhere: [:])
        for kind in HookKind.allCases {
            let key = kind == .terminate && !section.has("terminate") ? "down" : kind.rawValue
            if kind == .terminate, key != "down", section.has("down") {
                section.problem("is SkyPilot's word for terminate; keep one of them", key: "down")
            }
            guard let entry = section.entry(key) else { continue }
            switch entry.value.content {
            case .string:
                guard let run = section.command(key) else { continue }
                byKind[kind] = HookCommand(run: run, timeoutSeconds: Self.standardTimeoutSeconds)
            case .map:
                guard let parts = section.section(key) else { continue }
                parts.refuseUnknownKeys(known: ["run", "timeout"])
                guard let run = parts.command("run") else {
                    if !parts.has("run") { section.problem("needs `run`, a command for bash", key: key) }
                    continue
                }
                byKind[kind] = HookCommand(run: run, timeoutSeconds: Self.timeout(parts, "timeout"))
            default:
                section.problem("must be a command for bash, or {run, timeout}, not \(entry.value.inWords)", key: key)
            }
        }
    }

    /// Seconds; a plain number is seconds here, as in SkyPilot's `hook_timeout`.
    static func timeout(_ section: Section, _ key: String) -> Double {
        guard let entry = section.entry(key) else { return standardTimeoutSeconds }
        do throws(OptionFailure) {
            switch entry.value.content {
            case .number(let seconds, _) where seconds > 0 && seconds <= 86_400: return seconds
            case .string(let text):
                let seconds = try IdleWindow.parse(text)
                if seconds > 0, seconds <= 86_400 { return seconds }
            default: break
            }
        } catch {
            section.problem(error.description, key: key)
            return standardTimeoutSeconds
        }
        section.problem("must be a time of more than 0 s and a day at most, such as 30s", key: key)
        return standardTimeoutSeconds
    }
}
