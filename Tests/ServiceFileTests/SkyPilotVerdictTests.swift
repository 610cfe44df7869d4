import Foundation
import ServiceFile
import Testing

/// Files and parts of them, with what SkyPilot 0.14.1 says of each (`Golden/skypilot-0.14.1.jsonl`): dwell says the
/// same, save where the table names a difference, and each of those is explained in docs/skyserve-differences.md.
@Suite struct SkyPilotVerdicts {
    private struct Row: Decodable {
        /// `resources`, `service`, or `file` for a whole one.
        var part: String
        var text: String
        /// Whether SkyPilot accepts it.
        var accepted: Bool
        /// Why dwell does the opposite.
        var differs: String?

        var file: String {
            let indented = text.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)\n" }.joined()
            return switch part {
            case "resources":
                "name: x\nrun: echo\nresources:\n\(indented)service:\n  readiness_probe: /\n  ports: 8080\n"
            case "service": "name: x\nresources: {ports: 8080}\nrun: echo\nservice:\n\(indented)"
            default: text
            }
        }
    }

    private static let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

    private func rows() throws -> [Row] {
        let text = try String(
            contentsOf: Self.here.appendingPathComponent("Golden/skypilot-0.14.1.jsonl"), encoding: .utf8)
        return try text.split(separator: "\n").map { try JSONDecoder().decode(Row.self, from: Data($0.utf8)) }
    }

    private func problems(of row: Row, in folder: Folder) throws -> [String] {
        try folder.write(row.file, to: "service.yaml")
        do throws(FileProblems) {
            // As `validate` reads it.
            _ = try ServiceFile.read(
                "service.yaml", workingDirectory: folder.path, given: GivenValues(mustBeComplete: false))
            return []
        } catch {
            return error.lines
        }
    }

    @Test func everyVerdictIsSkyPilotsSaveThoseThatAreMeantToDiffer() throws {
        let folder = try Folder()
        for name in ["k.pem", "c.pem"] { try folder.write("PEM", to: name) }
        let rows = try rows()
        #expect(rows.count > 500 && rows.contains { $0.accepted } && rows.contains { !$0.accepted })
        for row in rows {
            let problems = try problems(of: row, in: folder)
            #expect(
                problems.isEmpty == (row.accepted == (row.differs == nil)),
                "\(row.part): \(row.text)\nSkyPilot \(row.accepted ? "accepts" : "refuses") it; dwell: \(problems)")
            for line in problems {
                #expect(line.wholeMatch(of: /service\.yaml:[0-9]+: .+/) != nil, "no line in: \(line)")
            }
        }
    }

    @Test func everyDifferenceIsExplained() throws {
        let page = try String(
            contentsOf: Self.here.deletingLastPathComponent().deletingLastPathComponent()
                .appendingPathComponent("docs/skyserve-differences.md"), encoding: .utf8)
        for difference in Set(try rows().compactMap(\.differs)) {
            #expect(page.contains("| `\(difference)` |"), "\(difference) is not explained")
        }
    }

    @Test(arguments: [
        (
            "cpus: x",
            "resources.cpus: must be a number above 0, or at least as many, such as \"4+\", not the text \"x\""
        ),
        ("cloud: awss", "resources.cloud: \"awss\" is no cloud that SkyPilot knows; did you mean aws?"),
        (
            "accelerators: {A100: 0}",
            "resources.accelerators: the count of an accelerator must be above 0, not \"A100:0\""
        ),
        ("disk_tier: x", "resources.disk_tier: must be one of low, medium, high, ultra, best, not the text \"x\""),
        ("labels: {a: 1}", "resources.labels.a: must be a text (in quotes), not 1"),
        (
            "any_of: [{use_spot: true}, {cpus: 2}]",
            "resources.any_of: must all have `use_spot: true`, or none of them"
        ),
    ])
    func whatIsWrongInResourcesIsTold(_ text: String, _ says: String) throws {
        let problems = try Folder().problems(of: "run: serve\nresources:\n  \(text)\nservice: {}\n")
        #expect(problems == ["service.yaml:3: \(says)"])
    }

    @Test func whatWasMeantIsSaid() throws {
        let folder = try Folder()
        let serve = try folder.problems(of: "run: serve\nserve: {}\n")
        #expect(serve == ["service.yaml:2: serve: unknown key; did you mean `service`?"])
        let unknown = try folder.problems(of: "run: serve\na: b\nservice: {}\n")
        #expect(unknown.count == 1 && unknown[0].contains("unknown key; known here:"))
        let url = try folder.problems(of: "run: serve\nworkdir: https://example.org/x/y\nservice: {}\n")
        #expect(
            url == [
                "service.yaml:2: workdir: is a URL; a git repository is `workdir: {url: https://example.org/x/y}`"
            ])
    }

    @Test func aKeyThatIsAVariableAndASecretIsNoted() throws {
        let file = try Folder().read("run: serve\nenvs: {A: 1}\nsecrets: {A: 2}\nservice: {}\n")
        #expect(file.notes.contains { $0.hasPrefix("A: in `envs` and in `secrets`") })
        #expect(file.secrets == ["A": "2"])
    }

    /// What chooses the target of a replica does something.
    @Test func acceleratorsThatChooseATargetAreNotSaidToDoNothing() throws {
        func notes(_ target: String) throws -> [String] {
            try Folder().read(
                """
                run: serve
                resources: {accelerators: A100, cpus: 2}
                service:
                  load_balancing_policy: \(target == "1" ? "least_load" : "instance_aware_least_load")
                  replica_policy: {min_replicas: 1, max_replicas: 2, target_qps_per_replica: \(target)}
                """
            ).notes.filter { $0.hasPrefix("resources:") }
        }
        #expect(
            try notes("1") == ["resources: accelerators, cpus do nothing: replicas run on this machine"])
        #expect(try notes("{A100: 1}") == ["resources: cpus does nothing: replicas run on this machine"])
    }

    @Test func theHomeOfMountsIsTheOneThatRunSees() throws {
        let folder = try Folder()
        try folder.write("x", to: "h.txt")
        let file = try folder.read("run: serve\nenvs: {HOME: /h}\nfile_mounts: {~/h.txt: h.txt}\nservice: {}\n")
        #expect(file.spec.fileMounts.map(\.destination) == ["/h/h.txt"])
    }
}
