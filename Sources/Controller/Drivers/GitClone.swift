import EventLog
import Foundation
import Lifecycle

/// Clones a repository for a replica, by the user's own git with the user's own configuration and keys.
///
/// git gets its arguments as they are, none of them as shell text; it asks nobody anything, and may use no
/// transport that would run a program of the URL's choice. It carries the replica's cookie, so it is found
/// and ended with it. What is cloned is the commit that the version holds, wherever its branch is by now.
struct GitClone {
    /// The replica's run folder, or another that git's outcome may be noted in.
    let directory: String
    /// Nil when it is nobody's.
    let cookie: Cookie?
    let environment: [String: String]
    /// The replica's log, which gets what git says too.
    let log: String
    /// Ends git where nobody waits for it any more.
    var cancellation: Cancellation?

    /// How long one clone may take.
    static let limitSeconds: Double = 900

    func clone(_ repository: GitRepository, into work: String) async throws(LaunchFailure) {
        // `work` is there and empty, which git takes. A branch or tag needs no history.
        let ref = repository.ref
        if let commit = repository.commit ?? ref.flatMap({ Self.isWholeCommit($0) ? $0 : nil }) {
            return try await clone(commit, of: repository, into: work)
        }
        guard let ref = repository.ref else {
            return try await git(["clone", "--quiet", "--depth=1", "--", repository.url, work], repository)
        }
        do throws(LaunchFailure) {
            try await git(
                ["clone", "--quiet", "--depth=1", "--branch=\(ref)", "--", repository.url, work], repository)
        } catch {
            guard !Task.isCancelled else { throw error }
            try empty(work)
            try await git(["clone", "--quiet", "--no-checkout", "--", repository.url, work], repository)
            try await git(["-C", work, "checkout", "--quiet", "--detach", ref, "--"], repository)
        }
    }

    /// A branch or tag that is still at the commit needs no history (though a clone of a local path has it); nor does a commit that the server gives away by
    /// itself, as many do. What fails on the way is not for the log.
    private func clone(
        _ commit: String, of repository: GitRepository, into work: String
    ) async throws(LaunchFailure) {
        if repository.ref != commit {
            let branch = repository.ref.map { ["--branch=\($0)"] } ?? []
            do throws(LaunchFailure) {
                try await git(
                    ["clone", "--quiet", "--depth=1"] + branch + ["--", repository.url, work], repository, isQuiet: true
                )
                try await git(
                    ["-C", work, "reset", "--quiet", "--hard", commit, "--"], repository, isQuiet: true)
                return
            } catch {
                guard !Task.isCancelled else { throw error }
                try empty(work)
            }
        }
        do throws(LaunchFailure) {
            try await git(["init", "--quiet", work], repository, isQuiet: true)
            try await git(["-C", work, "remote", "add", "origin", repository.url], repository, isQuiet: true)
            try await git(
                ["-C", work, "fetch", "--quiet", "--depth=1", "origin", commit], repository, isQuiet: true)
            try await git(["-C", work, "checkout", "--quiet", "--detach", commit, "--"], repository, isQuiet: true)
        } catch {
            guard !Task.isCancelled else { throw error }
            try empty(work)
            try await git(["clone", "--quiet", "--no-checkout", "--", repository.url, work], repository)
            try await git(["-C", work, "checkout", "--quiet", "--detach", commit, "--"], repository)
        }
    }

    static func isWholeCommit(_ text: String) -> Bool {
        [40, 64].contains(text.utf8.count)
            && text.utf8.allSatisfy {
                UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0
            }
    }

    /// The shell adds nothing but writing down how git ended, for we may not be its parent.
    private static let wrapper = """
        "${@:2}" 2> "$1.said"
        code=$?
        cat "$1.said"
        printf '%s\\n' "$code" > "$1.new" && mv "$1.new" "$1"
        """

    /// - Parameter isQuiet: whether what it says is not for the replica's log.
    func git(
        _ arguments: [String], _ repository: GitRepository, isQuiet: Bool = false
    ) async throws(LaunchFailure) {
        let result = directory + "/git"
        for suffix in ["", ".said"] { unlink(result + suffix) }
        var environment = environment
        environment["GIT_TERMINAL_PROMPT"] = "0"
        environment["GIT_ASKPASS"] = "/bin/false"
        environment["SSH_ASKPASS"] = "/bin/false"
        environment["GIT_ALLOW_PROTOCOL"] = "file:git:http:https:ssh"
        environment["GIT_SSH_COMMAND"] = environment["GIT_SSH_COMMAND"] ?? "ssh -oBatchMode=yes"
        let pid: pid_t
        do {
            pid = try Spawn(
                executable: "bash",
                arguments: ["bash", "-p", "-c", Self.wrapper, "dwell-git", result, "git"] + arguments,
                environment: environment, cookie: cookie, workingDirectory: directory,
                log: isQuiet ? result + ".log" : log
            ).start()
        } catch {
            throw LaunchFailure("workdir: cannot start git", of: error)
        }
        let identity = ProcessIdentity(
            pid: pid, startTicks: ProcessTable.entry(of: pid)?.startTicks ?? 0, boot: Boot.current)
        // It leads a session of its own, which no key at a terminal reaches.
        cancellation?.whenCancelled { if identity.isAlive { kill(-pid, SIGKILL) } }
        if await !identity.waitUntilEnded(within: .seconds(Self.limitSeconds)), identity.isAlive {
            if let cookie {
                _ = await ProcessTree(cookie: cookie, leader: identity).end(gracePeriodSeconds: 1)
            } else {
                kill(-pid, SIGKILL)
            }
        }
        let code = HomeFile.text(result).flatMap {
            Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        guard code != 0 else { return }
        let said = HomeFile.text(result + ".said") ?? ""
        let reason =
            "workdir: \(Self.reason(code, said)) (git \(Self.verb(arguments)) of "
            + "\(Self.withoutPassword(repository.url)))"
        throw MachineShortage.isTold(in: said) ? .unreachable(reason) : .refused(reason)
    }

    private static func verb(_ arguments: [String]) -> String {
        arguments.first == "ls-remote" ? "ls-remote" : "clone"
    }

    /// The last line git wrote that says something; what it wrote is the user's to see in the log.
    private static func reason(_ code: Int?, _ said: String) -> String {
        if code == 127 { return "git is not installed" }
        let lines = said.split(whereSeparator: \.isNewline).filter { !$0.allSatisfy(\.isWhitespace) }
        if let fatal = lines.last(where: { $0.hasPrefix("fatal:") || $0.hasPrefix("error:") }) ?? lines.last {
            return withoutPassword(String(fatal.prefix(300)))
        }
        return code.map { "git ended with \($0)" } ?? "git did not finish within \(Int(limitSeconds)) s"
    }

    /// `https://user:password@host` without what is between the slashes and the @.
    private static func withoutPassword(_ text: String) -> String {
        text.replacing(/:\/\/[^\/\s@]*@/, with: "://")
    }

    private func empty(_ work: String) throws(LaunchFailure) {
        try? FileManager.default.removeItem(atPath: work)
        guard mkdir(work, 0o700) == 0 else { throw LaunchFailure("workdir", of: SystemError("make \(work)")) }
    }
}
