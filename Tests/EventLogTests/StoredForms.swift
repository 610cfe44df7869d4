import Foundation
import Lifecycle
import TestKit

/// What golden files are made of.
enum StoredForms {
    /// Keys that are there in a JSON text, at any depth: two texts with the same keys have the same form.
    ///
    /// - Parameters:
    ///   - free: ends of paths under which users choose the names, which are no form then.
    ///   - numbers: whether a number is a name that is chosen, too.
    static func keys(of json: String, free: [String], numbers: Bool = false) throws -> Set<String> {
        func keys(_ value: Any, _ path: String) -> Set<String> {
            switch value {
            case let object as [String: Any]:
                let isFree = free.contains { path.hasSuffix($0) }
                return object.reduce(into: [path]) { all, entry in
                    let isChosen = isFree || numbers && Int(entry.key) != nil
                    all.formUnion(keys(entry.value, path + (isChosen ? ".*" : ".\(entry.key)")))
                }
            case let list as [Any]: return list.reduce(into: [path]) { $0.formUnion(keys($1, path + "[]")) }
            default: return [path]
            }
        }
        return keys(try JSONSerialization.jsonObject(with: Data(json.utf8)), "")
    }

    /// Calls `body` with each decision of histories that go everywhere.
    static func forEachDecision(seeds: ClosedRange<UInt64>, _ body: (Decision) throws -> Void) rethrows {
        for seed in seeds {
            var state = ControllerState(name: .dev)
            var commands = RandomCommands(seed: seed)
            var clock = ManualClock()
            for _ in 0..<400 {
                commands.advance(&clock)
                let command = commands.next(for: state)
                guard let decision = try? state.decide(command, Surroundings(now: clock.now, actor: "ann@desk"))
                else { continue }
                state = decision.state
                try body(decision)
            }
        }
    }
}
