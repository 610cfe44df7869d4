/// A value such as `-1`, which is taken for another option, so that the one before it seems to have none.
enum NegativeValue {
    /// What to say of it, when that is what is wrong.
    ///
    /// - Parameter message: what the parser says.
    static func problem(_ message: String, _ arguments: [String]) -> String? {
        if let value = message.firstMatch(of: /^(?:Error: )?Unknown option '(-[0-9.][^']*)'/).map({ String($0.1) }) {
            return "\"\(value)\" is negative; write it without the minus"
        }
        guard let option = message.firstMatch(of: /^(?:Error: )?Missing value for '(--[a-z-]+)/).map({ String($0.1) }),
            let place = arguments.firstIndex(of: option), place + 1 < arguments.count
        else { return nil }
        let value = arguments[place + 1]
        guard value.wholeMatch(of: /-[0-9.].*/) != nil else { return nil }
        return "\(option): \"\(value)\" is negative; write it without the minus"
    }
}
