/// A path as it is shown to a person: one that would fill the screen says less than where it begins, where it ends and how
/// long it is.
enum ShownPath {
    /// Longer ones are cut.
    private static let longest = 300

    static func words(_ path: [UInt8]) -> String {
        guard path.count > longest else { return String(decoding: path, as: UTF8.self) }
        let slash = UInt8(ascii: "/")
        let names = path.split(separator: slash)
        let beginning = path.prefix(longest / 2)
        let whole = beginning.lastIndex(of: slash).map { path[..<$0] } ?? beginning
        let end = names.last?.prefix(longest / 2) ?? []
        return String(decoding: whole, as: UTF8.self) + "/…/" + String(decoding: end, as: UTF8.self)
            + " (\(names.count) names long)"
    }
}
