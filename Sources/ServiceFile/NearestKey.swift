import Foundation

/// Finds what somebody probably meant.
public enum NearestKey {
    /// The candidate nearest to `word`, unless none is near.
    public static func to(_ word: String, among candidates: some Collection<String>) -> String? {
        let limit = max(1, word.count / 3)
        let lowered = word.lowercased()
        let ranked = candidates.map { ($0, distance(lowered, $0.lowercased())) }
        guard let best = ranked.min(by: { ($0.1, $0.0) < ($1.1, $1.0) }), best.1 <= limit else {
            // `serve` for `service`: most of a word, from its beginning; or a word of several.
            let begun = candidates.filter {
                let shared = lowered.commonPrefix(with: $0.lowercased()).count
                return shared >= 4 && shared * 4 >= lowered.count * 3
            }
            if let nearest = begun.min(by: { (distance(lowered, $0), $0) < (distance(lowered, $1), $1) }) {
                return nearest
            }
            return candidates.filter {
                lowered.count > 2 && $0.split(separator: "_").contains { $0 == lowered }
                    || lowered.contains($0) && $0.count > 3
            }.min()
        }
        return best.0
    }

    /// How many letters must be inserted, removed, replaced or swapped with their neighbour to make one
    /// word of the other (optimal string alignment).
    static func distance(_ a: String, _ b: String) -> Int {
        // Longer words are nobody's slip of the finger.
        let a = Array(a.prefix(64)), b = Array(b.prefix(64))
        guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in 1...a.count {
            var current = [i] + Array(repeating: 0, count: b.count)
            for j in 1...b.count {
                current[j] = min(last[j] + 1, current[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    current[j] = min(current[j], beforeLast[j - 2] + 1)
                }
            }
            (beforeLast, last) = (last, current)
        }
        return last[b.count]
    }
}
