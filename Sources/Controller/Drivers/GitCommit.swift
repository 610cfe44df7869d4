import EventLog
import Foundation
import Lifecycle

/// What a version's repository was when it was made.
public struct GitCommit: Sendable {
    private let copies: WorkdirCopies
    private let environment: [String: String]

    public init(home: Home, controller: ControllerName, environment: [String: String]) {
        copies = WorkdirCopies(home: home, controller: controller)
        self.environment = environment
    }

    /// The commit that the repository's branch or tag is just now.
    ///
    /// - Parameter cancellation: ends it, with nothing left of it.
    /// - Returns: nil for what only a clone can tell, such as part of a commit's name.
    public func find(
        _ repository: GitRepository, cancellation: Cancellation
    ) async throws(LaunchFailure) -> String? {
        if let ref = repository.ref, GitClone.isWholeCommit(ref) { return ref }
        let folder = try copies.makeFolder()
        defer { _ = FolderRemoval.remove(folder.path) }
        // What `git clone --branch` looks for, in that order; an annotated tag is followed to its commit.
        let names =
            repository.ref.map { ["refs/heads/\($0)", "refs/tags/\($0)^{}", "refs/tags/\($0)", $0] } ?? ["HEAD"]
        let log = folder.path + "/log"
        let clone = GitClone(
            directory: folder.path, cookie: nil, environment: environment, log: log, cancellation: cancellation)
        try await clone.git(["ls-remote", "--", repository.url] + names, repository)
        let lines = (try? String(contentsOfFile: log, encoding: .utf8))?.split(whereSeparator: \.isNewline) ?? []
        let found = lines.compactMap { line -> (name: String, commit: String)? in
            let words = line.split(separator: "\t", maxSplits: 1).map(String.init)
            return words.count == 2 && GitClone.isWholeCommit(words[0]) ? (words[1], words[0]) : nil
        }
        return names.lazy.compactMap { name in found.first { $0.name == name }?.commit }.first
    }
}
