import EventLog
import Foundation

/// A command of the user's from `config.yaml`: bash runs it in a session of its own, for so long and no longer.
struct UserCommand: Sendable {
    /// For bash.
    var run: String
    var timeoutSeconds: Double
    /// Whether what one that is told to end may still take is a part of the timeout: somebody waits, and was promised no
    /// more.
    var countsGrace = false
    var environment: [String: String]
    /// What it and whatever it starts is known by, as what belongs to a replica is: a controller process that takes over
    /// ends what of an earlier one's is left, and what it starts with `dwell` is not taken for its own.
    var mark: ProcessMark
    var workingDirectory: String
    /// File that its output is appended to.
    var log: String
    /// How many bytes of its standard output are taken, and then nothing of its standard error; nil for all of both.
    var outputLimit: Int?
    /// What it finds on its standard input; nil for nothing.
    var input: String?
    /// File in which it says how it ended, for nobody waits for children.
    var resultPath: String

    enum Outcome: Hashable, Sendable {
        case exited(code: Int)
        /// It had not ended in time, and was ended with all that it had started.
        case timedOut
        /// It did not come to say how it ended.
        case killed
        /// It could not be started, in words.
        case failed(String)
    }

    /// How long one that is told to end may take before it is killed.
    private static let longestGraceSeconds: Double = 2
    /// A part of the timeout is no more than a quarter of it.
    private var graceSeconds: Double {
        countsGrace ? min(Self.longestGraceSeconds, timeoutSeconds / 4) : Self.longestGraceSeconds
    }

    /// The command is not in its arguments, which every user of the machine can read.
    private static let variable = "DWELL_USER_COMMAND"
    private static let inputVariable = "DWELL_USER_INPUT"
    private static let wrapper = """
        run=$\(variable)
        unset \(variable)
        [ -z "$\(inputVariable)" ] || exec < "$\(inputVariable)"
        unset \(inputVariable)
        if [ $# -gt 1 ]; then
            (eval "$run") 2>/dev/null | head -c "$2"
            code=${PIPESTATUS[0]}
        else
            (eval "$run")
            code=$?
        fi
        echo "$code" > "$1"
        """

    func perform() async -> Outcome {
        defer { unlink(resultPath) }
        // What an earlier one that was cut off has left says nothing of this one.
        unlink(resultPath)
        var environment = environment
        environment[Self.variable] = run
        environment[Self.inputVariable] = nil
        let inputPath = resultPath + ".input"
        defer { unlink(inputPath) }
        if let input {
            guard
                FileManager.default.createFile(
                    atPath: inputPath, contents: Data(input.utf8), attributes: [.posixPermissions: 0o600])
            else { return .failed("cannot write \(inputPath): \(String(cString: strerror(errno)))") }
            environment[Self.inputVariable] = inputPath
        }
        let process: ProcessIdentity
        do {
            let pid = try Spawn(
                executable: "bash",
                arguments: ["bash", "-c", Self.wrapper, "dwell-user", resultPath]
                    + [outputLimit.map(String.init)].compactMap { $0 },
                environment: environment, mark: mark, workingDirectory: workingDirectory, log: log
            ).start()
            process = ProcessIdentity(
                pid: pid, startTicks: ProcessTable.entry(of: pid)?.startTicks ?? 0, boot: Boot.current)
        } catch {
            return .failed("\(error)")
        }
        let limitSeconds = countsGrace ? timeoutSeconds - graceSeconds : timeoutSeconds
        guard await process.waitUntilEnded(within: .seconds(limitSeconds)) else {
            _ = await end(graceSeconds: graceSeconds)
            return .timedOut
        }
        guard let text = HomeFile.text(resultPath),
            let code = Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
        else { return .killed }
        return .exited(code: code)
    }

    /// Ends what is left of it, whichever process began it.
    ///
    /// - Returns: what could not be ended, in words.
    func end() async -> String? { await end(graceSeconds: Self.longestGraceSeconds) }

    private func end(graceSeconds: Double) async -> String? {
        defer { unlink(resultPath) }
        return await ProcessTree(mark: mark).end(gracePeriodSeconds: graceSeconds)
    }
}
