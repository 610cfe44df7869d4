import Foundation
import Synchronization
import Testing

/// A private home for one test, in a folder with a space in its name, and the real `dwell` in it.
///
/// Whatever the test did, nothing of it is left afterwards; what should have been gone by itself and was
/// not fails the test (law L7).
final class Sandbox: Sendable {
    let folder: String
    let home: String

    private init() throws {
        let temporary = URL(fileURLWithPath: NSTemporaryDirectory()).standardizedFileURL.path
        // The space is part of every test.
        folder = temporary + "/dwell test \(UUID().uuidString.prefix(8))"
        home = folder + "/home"
        // Closed to others, as dwell makes it: of one that is not, the first command says so.
        try FileManager.default.createDirectory(
            atPath: home, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try configure()
    }

    /// Writes `config.yaml`, with ports that no other test has.
    func configure(_ more: String = "") throws {
        try write("load_balancer: {ports: \(ports)}\n" + more + "\n", to: "home/config.yaml")
    }

    private static let firstPort = Mutex(30_100 + 20 * Int.random(in: 0..<30))

    /// Twenty ports above those that dwell takes unless told otherwise.
    private let ports: String = firstPort.withLock { first in
        defer { first = first + 20 > 32_700 ? 30_100 : first + 20 }
        return "\(first)-\(first + 19)"
    }

    /// Runs `body` in a sandbox of its own.
    static func run(_ body: (Sandbox) async throws -> Void) async throws {
        try await Slots.shared.use { try await runNow(body) }
    }

    private static func runNow(_ body: (Sandbox) async throws -> Void) async throws {
        let sandbox = try Sandbox()
        var failure: (any Error)?
        do { try await body(sandbox) } catch { failure = error }
        if failure != nil { await sandbox.showLogs() }
        await sandbox.cleanUp()
        if let failure { throw failure }
    }

    /// Whether a process may have a time namespace of its own here (time_namespaces(7)).
    static let hasTimeNamespaces: Bool = {
        let unshare = Process()
        unshare.executableURL = URL(fileURLWithPath: "/bin/sh")
        unshare.arguments = ["-c", "\(inATimeNamespace) true"]
        unshare.standardError = FileHandle.nullDevice
        guard (try? unshare.run()) != nil else { return false }
        unshare.waitUntilExit()
        return unshare.terminationStatus == 0
    }()

    /// What to put before a command line so that it runs there, with a boot clock that is a day ahead.
    static let inATimeNamespace =
        "unshare \(geteuid() == 0 ? "" : "--user --map-root-user ")--time --boottime 86400"

    /// The program under test, beside the tests' own.
    static let dwell: String = {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("dwell").path
    }()

    var environment: [String: String] {
        var environment = ProcessInfo.processInfo.environment
        environment["DWELL_HOME"] = home
        return environment
    }

    /// Runs `dwell` with these arguments to its end.
    @discardableResult
    func dwell(_ arguments: String..., environment more: [String: String] = [:]) async throws -> Output {
        try await dwell(arguments, environment: more)
    }

    func dwell(_ arguments: [String], environment more: [String: String] = [:]) async throws -> Output {
        try await Output.of(
            Self.dwell, arguments, environment: environment.merging(more) { $1 }, directory: folder)
    }

    /// Runs shell commands in the folder, with `$DWELL` the program.
    @discardableResult
    func shell(_ commands: String) async throws -> Output {
        try await Output.of(
            "/bin/bash", ["-c", commands], environment: environment.merging(["DWELL": Self.dwell]) { $1 },
            directory: folder)
    }

    /// Starts `dwell` and does not wait for it.
    func start(_ arguments: String...) throws -> Running {
        try Running(Self.dwell, arguments, environment: environment, directory: folder)
    }

    /// Starts shell commands in the folder and does not wait for them.
    func startShell(_ commands: String) throws -> Running {
        try Running("/bin/bash", ["-c", commands], environment: environment, directory: folder)
    }

    func write(_ text: String, to name: String) throws {
        try text.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
    }

    // MARK: What is there

    func status() async throws -> StatusAnswer {
        let output = try await dwell("status", "--json")
        try #require(output.exitCode == 0, "\(output)")
        return try StatusAnswer(output)
    }

    /// What the `sqlite3` shell answers, a line for each row.
    func query(_ sql: String) async throws -> [String] {
        let output = try await Output.of(
            "/usr/bin/env", ["sqlite3", "-readonly", "-cmd", ".timeout 10000", home + "/dwell.db", sql],
            environment: environment, directory: folder)
        try #require(output.exitCode == 0, "\(output)")
        return output.out.split(separator: "\n").map(String.init)
    }

    func count(_ sql: String) async throws -> Int {
        try #require(try await query("select count(*) from " + sql).first.flatMap { Int($0) })
    }

    /// Processes whose environment names this home, and their titles, but for commands that the test runs.
    func processes(named prefix: String = "") -> [pid_t] {
        let mark = Array("DWELL_HOME=\(home)".utf8)
        let pids = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }
        return pids.filter { pid in
            guard pid != getpid(), let environment = FileManager.default.contents(atPath: "/proc/\(pid)/environ"),
                environment.split(separator: 0).contains(where: { $0.elementsEqual(mark) })
            else { return false }
            let name = (try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)) ?? ""
            return name.hasPrefix(prefix)
        }
    }

    /// Kills processes of this home with SIGKILL, all together, until none is left.
    func killEverything(named prefixes: [String] = [""]) async throws {
        var looks = 0
        try await eventually("everything is killed") {
            let victims = prefixes.flatMap { processes(named: $0) }
            // Stopped first, so that none that lives still sees another die and brings it back.
            for signal in [SIGSTOP, SIGKILL] { for pid in victims { kill(pid, signal) } }
            // A process has no environment to be known by while it becomes another program.
            looks = victims.isEmpty ? looks + 1 : 0
            return looks == 3
        }
    }

    /// The process of the controller that holds its lease, by the log.
    func controllerProcess(_ name: String = "local") async throws -> pid_t {
        let handle = try await query("select process from controllers where name = '\(name)'").first ?? ""
        let parts = handle.split(separator: ":")
        return try #require(parts.count > 1 ? pid_t(parts[1]) : nil, "no process in \"\(handle)\"")
    }

    // MARK: The end

    private func cleanUp() async {
        if let status = try? await dwell("status", "--json"), status.exitCode == 0 {
            for controller in (try? StatusAnswer(status).controllers) ?? [] {
                _ = try? await dwell("terminate", controller.name, "--force")
            }
        }
        _ = try? await comesTrue(within: 20) { processes().isEmpty }
        let left = processes()
        #expect(left.isEmpty, "processes are left after everything was terminated: \(left.map(Self.commandLine))")
        for pid in left { kill(pid, SIGKILL) }
        try? FileManager.default.removeItem(atPath: folder)
    }

    private static func commandLine(of pid: pid_t) -> String {
        let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
        return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
    }

    private func showLogs() async {
        let log = home + "/logs/local/controller.log"
        if let text = try? String(contentsOfFile: log, encoding: .utf8) { print("--- \(log)\n\(text)---") }
        for line in (try? await query("select time, event, service, replica, what from audit_log")) ?? [] {
            print(line)
        }
    }
}

/// `dwell status --json`, as far as tests look at it.
struct StatusAnswer: Decodable {
    var controllers: [Controller]
    var services: [Service]
    var replicas: [Replica]

    struct Controller: Decodable {
        var name: String
        var status: String
        var services: Int
        var idleSeconds: Double?
        var autostopIdleSeconds: Double?
        var autostopSource: String
        var autostopInSeconds: Double?
        var recoveries: Int
    }

    struct Service: Decodable {
        var name: String
        var controller: String
        var status: String
        var endpoint: String
        var readyReplicas: Int
    }

    struct Replica: Decodable {
        var service: String
        var id: Int
        var status: String
        var endpoint: String?
    }

    init(_ output: Output) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(StatusAnswer.self, from: Data(output.out.utf8))
    }

    func controller(_ name: String = "local") throws -> Controller {
        try #require(controllers.first { $0.name == name }, "no controller \(name)")
    }

    func service(_ name: String) throws -> Service {
        try #require(services.first { $0.name == name }, "no service \(name)")
    }
}

/// Waits until `condition` holds, and fails the test when it does not within `seconds`.
func eventually(
    _ what: String, within seconds: Double = 20, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    if try await comesTrue(within: seconds, condition) { return }
    Issue.record("waited \(seconds) s in vain: \(what)", sourceLocation: sourceLocation)
    throw WaitedInVain()
}

/// Whether `condition` holds within `seconds`; and it is looked at a hundred times at least, for where many tests run at
/// once it may be half a minute from one look to the next.
private func comesTrue(within seconds: Double, _ condition: () async throws -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(seconds)
    var looks = 0
    while ContinuousClock.now < deadline || looks < 100 {
        if try await condition() { return true }
        looks += 1
        try await Task.sleep(for: .milliseconds(10))
    }
    return false
}

struct WaitedInVain: Error {}
