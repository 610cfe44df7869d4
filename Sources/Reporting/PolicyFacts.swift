import Lifecycle

extension AutostopPolicy {
    /// What it says, each by the name it has in `config.yaml`, always the same ones in the same order: so two policies
    /// are compared one by one.
    ///
    /// - Parameter window: how a span is written, from seconds.
    public func facts(_ window: (Double) -> String) -> [(name: String, value: String)] {
        func list(_ texts: [String]?, _ separator: String = ", ") -> String {
            texts.map { $0.isEmpty ? "none" : $0.joined(separator: separator) } ?? "none"
        }
        return [
            ("autostop", idleTimeoutSeconds.map(window) ?? "never"),
            ("down", down?.value == true ? "yes" : "no"),
            ("terminate_after", (terminateAfterSeconds?.value).map(window) ?? "never"),
            ("keep_warm", list(schedule?.value.keepWarm.map(\.text), "; ")),
            ("stop_at", list(schedule?.value.stopAt.map(\.text), "; ")),
            ("wait_for", list(waitFor?.value)),
            ("min_start_interval", (minStartIntervalSeconds?.value).map(window) ?? "none"),
            ("hooks", list(hooks?.map(\.rawValue))),
        ]
    }

    /// Those of its facts that are others than in an earlier policy.
    public func changes(
        since earlier: AutostopPolicy, _ window: (Double) -> String
    ) -> [(name: String, value: String)] {
        zip(earlier.facts(window), facts(window)).filter { $0.value != $1.value }.map { $1 }
    }
}
