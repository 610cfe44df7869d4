import EventLog
import Foundation
import Lifecycle

/// The values of services' secrets: files of mode 0600 under `$DWELL_HOME/secrets/CONTROLLER`, one for each
/// ``SecretsReference``, for they must not be in the log, where nothing is ever forgotten.
///
/// A file is on disk before the event that refers to it, so that no crash can leave a service without its
/// secrets; and it goes once no state refers to it any more. In between, whoever wrote it holds a lock on
/// it, so that nobody takes it for one that is not wanted.
public struct SecretFiles: Sendable {
    let home: Home
    let controller: ControllerName

    public init(home: Home, controller: ControllerName) {
        self.home = home
        self.controller = controller
    }

    private var directory: String { "\(home.secrets)/\(controller)" }
    private func path(_ key: String) -> String { "\(directory)/\(key).json" }

    /// Whether the values behind `reference` are these.
    public func has(_ values: [String: String], behind reference: SecretsReference?) -> Bool {
        reference != nil && (try? read(reference)) == values
    }

    /// Puts the values on disk under a key of their own, and holds them until they are let go.
    public func keep(_ values: [String: String]) throws -> KeptSecrets {
        let reference = SecretsReference(names: Array(values.keys), key: UUID().uuidString.lowercased())
        try home.makeDirectory(directory)
        let path = path(reference.key)
        let raw = open(path + ".new", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard raw >= 0 else { throw SystemError("open \(path).new") }
        let descriptor = Descriptor(owning: raw)
        guard flock(raw, LOCK_EX | LOCK_NB) == 0 else { throw SystemError("flock \(path).new") }
        try descriptor.write(JSONEncoder().encode(values), to: path + ".new")
        guard fsync(raw) == 0, rename(path + ".new", path) == 0 else {
            let error = SystemError("write \(path)")
            unlink(path + ".new")
            throw error
        }
        try HeldEntry.syncFolder(directory)
        return KeptSecrets(reference: reference, path: path, descriptor: descriptor)
    }

    /// The values behind `reference`; none for none.
    func read(_ reference: SecretsReference?) throws(LaunchFailure) -> [String: String] {
        guard let reference else { return [:] }
        do throws(HomeFailure) {
            close(try HomeFile.open(path(reference.key), O_RDONLY))
        } catch {
            // That it is gone is told below.
            if MachineShortage.isTold(by: error) { throw LaunchFailure("its secrets", of: error) }
        }
        guard let data = HomeFile.contents(path(reference.key)),
            let values = try? JSONDecoder().decode([String: String].self, from: data)
        else {
            throw LaunchFailure(
                "its secrets (\(reference.names.joined(separator: ", "))) are gone from \(directory); "
                    + "take it down, and give them to `dwell up` again")
        }
        return values
    }

    /// The files that nobody holds, locked. Which of them are in use must be read after this, and before
    /// ``UnheldSecrets/remove(except:)``.
    public func unheld() -> UnheldSecrets {
        UnheldSecrets(directory: directory, files: HeldEntry.unheld(in: directory))
    }

    /// Controllers that have files of secrets.
    public static func controllers(in home: Home) -> [ControllerName] {
        HeldEntry.controllers(in: home.secrets)
    }
}

/// Files of secrets, each locked for as long as this lives.
public struct UnheldSecrets: Sendable {
    fileprivate let directory: String
    fileprivate let files: [HeldEntry]

    public var isEmpty: Bool { files.isEmpty }

    /// Removes those that `keys`, read after the files were locked, does not name.
    public func remove(except keys: Set<String>) {
        // KEY.json, or KEY.json.new.
        for file in files where !keys.contains(String(file.name.prefix { $0 != "." })) { unlink(file.path) }
        rmdir(directory)  // unless something is left in it
    }
}

/// Secrets that are on disk and that no event refers to yet.
public final class KeptSecrets: Sendable {
    public let reference: SecretsReference
    private let path: String
    private let descriptor: Descriptor

    fileprivate init(reference: SecretsReference, path: String, descriptor: consuming Descriptor) {
        self.reference = reference
        self.path = path
        self.descriptor = descriptor
    }

    /// Removes them again, for the event that was to refer to them was refused.
    public func discard() { unlink(path) }
}

/// Fills in secrets where they are used, and hides them where they are seen.
struct Secrets: Sendable {
    let values: [String: String]

    /// The probe with `$NAME` and `${NAME}` of secrets filled in; in a body, as JSON has it.
    func fill(_ probe: ReadinessProbe) -> ReadinessProbe {
        guard !values.isEmpty else { return probe }
        var probe = probe
        probe.path = fill(probe.path) { $0.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? $0 }
        probe.headers = probe.headers.mapValues { fill($0) { $0.filter { !$0.isNewline } } }
        probe.postData = probe.postData.map { body in
            fill(body) { value in
                // A JSON text without its quotes.
                guard let data = try? JSONEncoder().encode(value) else { return value }
                return String(String(decoding: data, as: UTF8.self).dropFirst().dropLast())
            }
        }
        return probe
    }

    private func fill(_ text: String, _ written: (String) -> String) -> String {
        guard text.contains("$") else { return text }
        return text.replacing(/\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))/) { match in
            values[String(match.1 ?? match.2 ?? "")].map(written) ?? String(match.0)
        }
    }

    /// `text` with every secret in it struck out: what a replica wrote may get into the log. Values of a
    /// few letters are in every text, and stay.
    func hide(in text: String) -> String {
        var text = text
        for (name, value) in values.sorted(by: { $0.value.count > $1.value.count }) where value.count >= 6 {
            text = text.replacing(value, with: "[\(name)]")
        }
        return text
    }
}
