/// A law that did not hold.
public struct Violation: Error, Hashable, Sendable, CustomStringConvertible {
    /// `L1` … `L7`, `liveness`, or `trap` for a state that should not exist.
    public var law: String
    public var what: String

    public var description: String { "\(law): \(what)" }
}
