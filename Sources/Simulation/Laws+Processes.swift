import Lifecycle

extension Laws {
    /// Which processes served a controller, one after the other. One that another has taken over from does not serve
    /// again: two that took it from each other would fill the log and do nothing.
    struct Processes {
        private var serving: String?
        private var replaced: [String: Int] = [:]

        mutating func tookOver(_ process: String) throws(Violation) {
            defer { serving = process }
            guard let before = serving, before != process else { return }
            replaced[before, default: 0] += 1
            // Once it may: its order was on its way when the other's came first.
            guard let times = replaced[process], times > 1 else { return }
            throw Violation(law: "lease", what: "\(process) takes back what \(before) has taken over, again")
        }
    }
}
