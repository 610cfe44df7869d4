import Foundation

/// What a program printed, and how it ended.
struct Output: Sendable, CustomStringConvertible {
    var out: String
    var err: String
    var exitCode: Int32

    var description: String { "exit code \(exitCode)\n\(out)\(err)" }

    /// Lines of standard error.
    var errors: [String] { err.split(separator: "\n").map(String.init) }

    /// Runs a program until it has ended and closed its output. A daemon that kept the output open would
    /// keep a caller's `$(…)` waiting, so this waits for both.
    static func of(
        _ program: String, _ arguments: [String], environment: [String: String], directory: String
    ) async throws -> Output {
        let running = try Running(program, arguments, environment: environment, directory: directory)
        return await running.output()
    }
}

/// A program that runs.
final class Running: Sendable {
    private let process: Process
    private let out: FileHandle
    private let err: FileHandle

    var pid: pid_t { process.processIdentifier }

    init(_ program: String, _ arguments: [String], environment: [String: String], directory: String) throws {
        let output = Pipe()
        let errors = Pipe()
        process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = environment
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        out = output.fileHandleForReading
        err = errors.fileHandleForReading
        try process.run()
    }

    /// Waits for its end.
    func output() async -> Output {
        async let out = Self.readToEnd(out)
        async let err = Self.readToEnd(err)
        let (text, errors) = await (out, err)
        let code = await Self.blocking { [self] in
            process.waitUntilExit()
            return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
        }
        return Output(out: text, err: errors, exitCode: code)
    }

    /// Reads lines as they come, until `isEnough` says so of those so far.
    func lines(until isEnough: @Sendable @escaping ([String]) -> Bool) async -> [String] {
        await Self.lines(of: out, until: isEnough)
    }

    /// The same of standard error.
    func errorLines(until isEnough: @Sendable @escaping ([String]) -> Bool) async -> [String] {
        await Self.lines(of: err, until: isEnough)
    }

    private static func lines(
        of file: FileHandle, until isEnough: @Sendable @escaping ([String]) -> Bool
    ) async -> [String] {
        await blocking {
            var text = Data()
            while true {
                let chunk = file.availableData
                if chunk.isEmpty { break }
                text += chunk
                if isEnough(Self.lines(text)) { break }
            }
            return Self.lines(text)
        }
    }

    var hasEnded: Bool { !process.isRunning }

    func end() { kill(pid, SIGKILL) }

    private static func lines(_ data: Data) -> [String] {
        String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private static func readToEnd(_ file: FileHandle) async -> String {
        await blocking { String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self) }
    }

    /// Runs what blocks on a thread that may.
    private static func blocking<Value: Sendable>(_ body: @Sendable @escaping () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: body()) }
        }
    }
}
