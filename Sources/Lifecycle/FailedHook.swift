/// A hook of which the last run since the controller was started did not go well.
public struct FailedHook: Hashable, Sendable {
    public var kind: HookKind
    public var outcome: HookOutcome
    /// When it ended, wall time in microseconds since 1970.
    public var atMicroseconds: Int64

    /// Those that there are to tell of after `events`, which are a controller's in order: until it is started again,
    /// or the hook has gone well.
    public static func all(in events: some Sequence<StampedEvent>) -> [FailedHook] {
        var failed: [FailedHook] = []
        for stamped in events {
            switch stamped.event {
            case .controllerStarting: failed = []
            case .controllerHookEnded(let ended):
                failed.removeAll { $0.kind == ended.hook }
                guard ended.outcome != .exited(code: 0) else { continue }
                failed.append(
                    FailedHook(
                        kind: ended.hook, outcome: ended.outcome, atMicroseconds: stamped.stamp.atMicroseconds))
            default: continue
            }
        }
        return failed
    }
}
