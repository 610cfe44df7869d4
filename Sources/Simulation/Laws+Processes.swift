import Lifecycle

extension Laws {
    /// Which processes served a controller, one after the other. One that another has taken over from does not serve
    /// again: two that took it from each other would fill the log and do nothing.
    struct Processes {
        private var serving: String?
        private var replaced: Set<String> = []

        /// It is started anew: nobody has served it since, and whoever is there may.
        mutating func begin() { (serving, replaced) = (nil, []) }

        mutating func tookOver(_ process: String) throws(Violation) {
            defer { serving = process }
            guard let before = serving, before != process else { return }
            replaced.insert(before)
            guard replaced.contains(process) else { return }
            throw Violation(law: "lease", what: "\(process) takes back what \(before) has taken over")
        }
    }
}
