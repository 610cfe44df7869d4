import Foundation
import Lifecycle
import ServiceFile
import Testing

/// A folder with a space in its name, gone when the value is.
final class Folder: Sendable {
    let path: String

    init() throws {
        path =
            URL(fileURLWithPath: NSTemporaryDirectory()).standardizedFileURL.path
            + "/dwell files \(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String { try write(Array(text.utf8), to: name) }

    @discardableResult
    func write(_ bytes: [UInt8], to name: String) throws -> String {
        let file = path + "/" + name
        try FileManager.default.createDirectory(
            atPath: URL(fileURLWithPath: file).deletingLastPathComponent().path, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        return file
    }

    /// Reads `text` as the service file `service.yaml`.
    func read(_ text: String, envs: [String: String] = [:]) throws -> ServiceFile {
        try write(text, to: "service.yaml")
        return try ServiceFile.read("service.yaml", workingDirectory: path, given: GivenValues(envs: envs))
    }

    /// What is said of `text`, a line for each problem; nothing when it is accepted.
    func problems(of text: String, envs: [String: String] = [:]) throws -> [String] {
        do {
            _ = try read(text, envs: envs)
            return []
        } catch let problems as FileProblems {
            return problems.lines
        }
    }
}
