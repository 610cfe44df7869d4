import Controller
import Foundation
import Lifecycle

/// What every ``Driver`` must do, wherever its replicas run. Each law is tried in a ``DriverStage`` of its
/// own and leaves nothing behind if it holds.
public struct DriverConformance: Sendable, CustomStringConvertible {
    public let description: String
    /// - Throws: ``DriverLawBroken``.
    public let check: @Sendable (DriverStage) async throws -> Void

    private init(_ description: String, _ check: @escaping @Sendable (DriverStage) async throws -> Void) {
        self.description = description
        self.check = check
    }

    public static let laws: [DriverConformance] = launching + ending + reporting + strangers

    private static let launching = [
        DriverConformance("a replica is reached at its endpoint") { stage in
            let driver = stage.makeDriver()
            let launched = try await driver.launch(stage.replica(), stage.spec(run: stage.server))
            try await stage.eventually("it answers at \(launched.endpoint)") {
                stage.answer(of: launched.endpoint)?.contains(" 200 ") == true
            }
            try await stage.end(driver, launched)
            try stage.demand(stage.answer(of: launched.endpoint) == nil, "it answers although it was ended")
        },
        DriverConformance("launching twice gives one, whoever launches") { stage in
            let spec = stage.spec(run: "echo started >> \"$FOLDER/starts\"; hold lock")
            let first = try await stage.makeDriver().launch(stage.replica(), spec)
            try await stage.eventually("it runs") { stage.has("lock.held") }
            // The one who launched it has died and told nobody.
            let driver = stage.makeDriver()
            let second = try await driver.launch(stage.replica(), spec)
            try stage.demand(first == second, "launched as \(first), and found as \(second)")
            try stage.demand(stage.text("starts") == "started\n", "it was started twice")
            try await stage.end(driver, second)
            try stage.demand(!stage.isHeld("lock"), "it lives on")
        },
        DriverConformance("several replicas are told apart") { stage in
            let driver = stage.makeDriver()
            let run = "hold lock-$SKYPILOT_SERVE_REPLICA_ID"
            let one = try await driver.launch(stage.replica(1), stage.spec(run: run))
            let two = try await driver.launch(stage.replica(2), stage.spec(run: run))
            try stage.demand(one.endpoint != two.endpoint, "both are at \(one.endpoint)")
            try await stage.eventually("both run") { stage.has("lock-1.held") && stage.has("lock-2.held") }
            try await stage.end(driver, one, 1)
            try stage.demand(!stage.isHeld("lock-1") && stage.isHeld("lock-2"), "the wrong one was ended")
            try await stage.end(driver, two, 2)
        },
        DriverConformance("a launch that cannot be says why, and leaves nothing") { stage in
            let driver = stage.makeDriver()
            var spec = stage.spec(run: "hold lock")
            spec.workdir = .folder("\(stage.folder)/nowhere")
            do {
                _ = try await driver.launch(stage.replica(), spec)
                throw DriverLawBroken("it was launched in a folder that does not exist")
            } catch let failure as LaunchFailure {
                guard case .refused(let reason) = failure, reason.contains("nowhere") else {
                    throw DriverLawBroken("the reason does not name the folder: \(failure)")
                }
            }
            let leftovers = await driver.end(stage.replica(), nil)
            try stage.demand(leftovers == nil, "left: \(leftovers ?? "")")
        },
    ]

    private static let ending = [
        DriverConformance("ending what was never launched, or twice, is fine") { stage in
            let driver = stage.makeDriver()
            let before = await driver.end(stage.replica(), nil)
            try stage.demand(before == nil, before ?? "")
            let launched = try await driver.launch(stage.replica(), stage.spec(run: "hold lock"))
            try await stage.end(driver, launched)
            try await stage.end(driver, launched)
        },
        DriverConformance("ending needs no handle, should its launch never have been recorded") { stage in
            _ = try await stage.makeDriver().launch(stage.replica(), stage.spec(run: "hold lock"))
            try await stage.eventually("it runs") { stage.has("lock.held") }
            let leftovers = await stage.makeDriver().end(stage.replica(), nil)
            try stage.demand(leftovers == nil && !stage.isHeld("lock"), "left: \(leftovers ?? "a process")")
        },
        DriverConformance("children end too, also those that left session, parents and environment") { stage in
            let driver = stage.makeDriver()
            let launched = try await driver.launch(
                stage.replica(),
                stage.spec(
                    run: """
                        (hold child) &
                        (trap '' TERM; hold deaf) &
                        setsid bash -c "$(declare -f hold); hold session" &
                        forsaken forsaken
                        hold leader
                        """))
            let names = ["child", "deaf", "session", "forsaken", "leader"]
            try await stage.eventually("all run") { names.allSatisfy { stage.has("\($0).held") } }
            try await stage.end(driver, launched)
            let held = names.filter(stage.isHeld)
            try stage.demand(held.isEmpty, "these live on: \(held)")
        },
        DriverConformance("a daemon that outlives `run` ends with its replica") { stage in
            let driver = stage.makeDriver()
            let spec = stage.spec(
                run: "forsaken daemon; until [ -e \"$FOLDER/daemon.held\" ]; do sleep 0.01; done; exit 5")
            let launched = try await driver.launch(stage.replica(), spec)
            let ended = await driver.ended(stage.replica(), launched.handle)
            try stage.demand(ended?.ending == .exited(code: 5, stage: .run), "\(String(describing: ended))")
            try stage.demand(stage.isHeld("daemon"), "the test needs the daemon to outlive `run`")
            // Whoever watched it has died; nobody in its tree is known by number any more.
            try await stage.end(stage.makeDriver(), launched)
            try stage.demand(!stage.isHeld("daemon"), "the daemon lives on")
        },
        DriverConformance("a process that is stopped ends") { stage in
            let driver = stage.makeDriver()
            let launched = try await driver.launch(
                stage.replica(), stage.spec(run: "(hold stopped) & until kill -STOP $!; do :; done; hold leader"))
            try await stage.eventually("it runs") { stage.has("leader.held") }
            try await stage.end(driver, launched)
            try stage.demand(!stage.isHeld("stopped") && !stage.isHeld("leader"), "it lives on")
        },
        DriverConformance("SIGTERM comes first, with time to finish") { stage in
            let driver = stage.makeDriver()
            let launched = try await driver.launch(
                stage.replica(),
                stage.spec(
                    run: """
                        trap 'sleep 0.2; echo done > "$FOLDER/finished"; exit 0' TERM
                        echo > "$FOLDER/ready"
                        while :; do sleep 0.02; done
                        """))
            try await stage.eventually("it runs") { stage.has("ready") }
            try await stage.end(driver, launched)
            try stage.demand(stage.text("finished") == "done\n", "it was killed before it could finish")
        },
        DriverConformance("a crowd that forks on and on ends") { stage in
            let driver = stage.makeDriver()
            // Each forks its successor and ends, deaf to SIGTERM, from an own environment and session; it
            // ends by itself after some thousands.
            let launched = try await driver.launch(
                stage.replica(),
                stage.spec(
                    run: """
                        run() { trap '' TERM; local n; for ((n = 0; n < 4000; n++)); do (sleep 0.01) & wait; done; }
                        for i in 1 2 3 4; do
                            env -i PATH="$PATH" FOLDER="$FOLDER" setsid bash -c "$(declare -f run); exec 9>>\\"\\$FOLDER/crowd\\"; flock -s 9; echo > \\"\\$FOLDER/$i.held\\"; run" &
                        done
                        wait
                        """))
            try await stage.eventually("it forks") { (1...4).allSatisfy { stage.has("\($0).held") } }
            try await stage.end(driver, launched)
            try stage.demand(!stage.isHeld("crowd"), "some of it live on")
        },
    ]

    private static let reporting = [
        DriverConformance("how `run` ended is told, with its last words") { stage in
            let driver = stage.makeDriver()
            let launched = try await driver.launch(
                stage.replica(), stage.spec(run: "echo first; echo last words; exit 7"))
            let ended = await driver.ended(stage.replica(), launched.handle)
            try stage.demand(ended?.ending == .exited(code: 7, stage: .run), "\(String(describing: ended))")
            try stage.demand(
                ended?.logTail?.hasSuffix("last words") == true, "its last words are \(ended?.logTail ?? "none")")
            try await stage.end(driver, launched)
        },
        DriverConformance("how it ended is told also when nobody was watching") { stage in
            let launched = try await stage.makeDriver().launch(
                stage.replica(), stage.spec(run: "until [ -e \"$FOLDER/go\" ]; do sleep 0.01; done; exit 9"))
            let watching = stage.makeDriver()
            let before = Task { await watching.ended(stage.replica(), launched.handle) }
            try stage.make("go")
            _ = await before.value
            let ended = await stage.makeDriver().ended(stage.replica(), launched.handle)
            try stage.demand(ended?.ending == .exited(code: 9, stage: .run), "\(String(describing: ended))")
            try await stage.end(watching, launched)
        },
        DriverConformance("a `setup` that fails is told as such, and `run` never runs") { stage in
            let driver = stage.makeDriver()
            let launched = try await driver.launch(
                stage.replica(), stage.spec(setup: "exit 3", run: "echo > \"$FOLDER/ran\""))
            let ended = await driver.ended(stage.replica(), launched.handle)
            try stage.demand(ended?.ending == .exited(code: 3, stage: .setup), "\(String(describing: ended))")
            try stage.demand(!stage.has("ran"), "`run` ran")
            try await stage.end(driver, launched)
        },
        DriverConformance("`setup` is finished when it is, and not before") { stage in
            let driver = stage.makeDriver()
            let launched = try await driver.launch(
                stage.replica(),
                stage.spec(setup: "until [ -e \"$FOLDER/go\" ]; do sleep 0.01; done", run: "hold lock"))
            let given = Task { await driver.setupFinished(stage.replica(), launched.handle) }
            given.cancel()
            let early = await given.value
            try stage.demand(!early, "finished before it was")
            try stage.make("go")
            let finished = await driver.setupFinished(stage.replica(), launched.handle)
            try stage.demand(finished, "not finished although it was")
            try await stage.end(driver, launched)
        },
        DriverConformance("watching that is cancelled says nothing") { stage in
            let driver = stage.makeDriver()
            let launched = try await driver.launch(stage.replica(), stage.spec(run: "hold lock"))
            let watching = Task { await driver.ended(stage.replica(), launched.handle) }
            watching.cancel()
            let ended = await watching.value
            try stage.demand(ended == nil, "it is said to have ended: \(String(describing: ended))")
            try await stage.end(driver, launched)
        },
        DriverConformance("a handle of another life is not taken for this one") { stage in
            let driver = stage.makeDriver()
            let ended = await driver.ended(stage.replica(), Handle(rawValue: "nobody's"))
            try stage.demand(ended != nil, "it is said to run")
        },
    ]

    private static let strangers = [
        DriverConformance("who is not known is ended, who is known is left") { stage in
            let run = "hold lock-$SKYPILOT_SERVE_REPLICA_ID"
            let known = try await stage.makeDriver().launch(stage.replica(1), stage.spec(run: run))
            _ = try await stage.makeDriver().launch(stage.replica(2), stage.spec(run: "forsaken forsaken; \(run)"))
            try await stage.eventually("all run") {
                ["lock-1", "lock-2", "forsaken"].allSatisfy { stage.has("\($0).held") }
            }
            let driver = stage.makeDriver()
            let leftovers = await driver.endStrangers(known: [stage.replica(1)])
            try stage.demand(leftovers == nil, "left: \(leftovers ?? "")")
            try stage.demand(!stage.isHeld("lock-2") && !stage.isHeld("forsaken"), "the stranger lives on")
            try stage.demand(stage.isHeld("lock-1"), "who was known was ended")
            try await stage.end(driver, known)
        }
    ]
}

extension DriverStage {
    /// Ends a replica and demands that nothing is left.
    fileprivate func end(_ driver: any Driver, _ launched: Launched, _ id: Int = 1) async throws {
        let leftovers = await driver.end(replica(id), launched.handle)
        try demand(leftovers == nil, "left: \(leftovers ?? "")")
    }
}
