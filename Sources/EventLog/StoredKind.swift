/// The kinds of values that SQLite stores.
enum StoredKind {
    case null, integer, real, text, blob
}

extension String {
    /// With characters that a terminal does not show written out, as `\u{0}`.
    var withControlsEscaped: String {
        guard unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return self }
        return unicodeScalars.reduce(into: "") { text, scalar in
            if scalar.properties.generalCategory == .control {
                text += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
    }
}
