import Foundation

/// What the values of `resources` may be, as SkyPilot 0.14.1 checks them while it reads a file. What it asks of a
/// cloud's catalogue (whether a region, an instance type or an image is there) is not asked here.
enum ResourceValues {
    static let clouds = [
        "aws", "azure", "gcp", "ibm", "lambda", "scp", "oci", "kubernetes", "runpod", "vast", "vsphere", "cudo",
        "fluidstack", "paperspace", "primeintellect", "do", "nebius", "ssh", "slurm", "hyperbolic", "seeweb",
        "shadeform", "yotta", "mithril", "verda",
    ]

    /// A count such as `4`, `"4+"` or `1.5`, above 0.
    static func isCount(_ node: YAMLNode) -> Bool {
        switch node.content {
        case .number(let value, _): value > 0 && value.isFinite
        case .string(let text): positive(text.hasSuffix("+") ? text.dropLast() : text[...])
        case .null, .bool, .list, .map: false
        }
    }

    /// GB, or a size with its unit; `+` for at least, `x` for as many for each CPU.
    static func isMemory(_ node: YAMLNode, mayBeNone: Bool) -> Bool {
        switch node.content {
        case .number(let value, _): return value.isFinite && (value > 0 || mayBeNone && value == 0)
        case .string(let text):
            var rest = text[...]
            if rest.hasSuffix("+") || rest.hasSuffix("x") { rest.removeLast() }
            if let unit = units.keys.first(where: { rest.lowercased().hasSuffix($0) }) { rest.removeLast(unit.count) }
            return positive(rest) || mayBeNone && Double(trimmed(rest)) == 0
        case .null, .bool, .list, .map: return false
        }
    }

    /// A whole number of GB, or a size with its unit that comes to one.
    static func isSize(_ node: YAMLNode) -> Bool {
        switch node.content {
        case .number(let value, let written):
            return !written.contains(".") && Int(exactly: value).map { $0 > 0 } == true
        case .string(let text):
            guard let match = text.wholeMatch(of: /([0-9]+)([A-Za-z]{2})?/), let count = Double(match.1), count > 0
            else { return false }
            guard let unit = match.2 else { return true }
            // GB, gb and Gb; SkyPilot knows no gB.
            guard let perGB = units[unit.lowercased()], unit.first?.isUppercase == true || unit == unit.lowercased()
            else { return false }
            return (count * perGB).rounded() == count * perGB && count * perGB >= 1
        case .null, .bool, .list, .map: return false
        }
    }

    private static let units: [String: Double] = [
        "kb": 1 / 1_048_576, "ki": 1 / 1_048_576, "mb": 1.0 / 1024, "mi": 1.0 / 1024, "gb": 1, "gi": 1, "tb": 1024,
        "ti": 1024, "pb": 1_048_576, "pi": 1_048_576,
    ]

    /// What is wrong with an accelerator that is written as one text; nil when nothing is.
    static func problem(accelerator text: String) -> String? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let wanted = "an accelerator is a name or NAME:COUNT, such as A100:1 or L4:0.5, or a memory such as 80GB+"
        switch parts.count {
        case 1:
            let isSize = text.wholeMatch(of: /[0-9]+[Mm][Bb]\+?/) != nil
            return isSize && !isGPUMemory(parts[0]) ? "a memory must be whole GB, such as 80GB+" : nil
        case 2 where isGPUMemory(parts[1]): return nil
        case 2 where isGPUMemory(parts[0]): return (Int(parts[1]) ?? 0) > 0 ? nil : wanted
        case 2:
            guard let count = Double(trimmed(parts[1])) else { return wanted }
            return count > 0 ? nil : "the count of an accelerator must be above 0"
        case 3: return isGPUMemory(parts[1]) && (Int(parts[2]) ?? 0) > 0 ? nil : wanted
        default: return wanted
        }
    }

    /// `80GB`, `80GB+`: whole GB.
    private static func isGPUMemory(_ text: Substring) -> Bool {
        guard let match = text.wholeMatch(of: /([0-9]+)([GgMmTt])[Bb]\+?/) else { return false }
        return match.2.lowercased() != "m" || Int(match.1).map { $0 % 1024 == 0 } == true
    }

    static func isInfra(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let cloud = parts[0].lowercased()
        guard parts.allSatisfy({ !$0.allSatisfy(\.isWhitespace) }) else { return false }
        if cloud == "kubernetes" || cloud == "k8s" { return true }
        return parts.count <= 3 && (cloud == "*" || clouds.contains(cloud))
    }

    /// `nvme`, `ssd:500`, `1000+`.
    static func isLocalDisk(_ text: String) -> Bool {
        let parts = trimmed(text[...]).lowercased().split(separator: ":", omittingEmptySubsequences: false)
        func isSize(_ part: Substring) -> Bool { positive(part.prefix { $0 != "+" }) }
        return switch parts.count {
        case 1: ["nvme", "ssd"].contains(parts[0]) || isSize(parts[0])
        case 2: ["nvme", "ssd"].contains(parts[0]) && isSize(parts[1])
        default: false
        }
    }

    private static func positive(_ text: Substring) -> Bool {
        Double(trimmed(text)).map { $0 > 0 && $0.isFinite } ?? false
    }

    private static func trimmed(_ text: Substring) -> String { text.trimmingCharacters(in: .whitespacesAndNewlines) }
}
