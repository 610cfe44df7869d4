import Lifecycle

/// What SkyPilot 0.14.1 tells `setup` and `run` of the machines they run on, said of the one machine that a replica has
/// here: programs that can be spread over several ask for it, and do with one node what they would do alone.
struct SkyPilotVariables {
    let cookie: Cookie
    /// Where the replica listens, and where it finds itself.
    let host: String
    /// What `resources.accelerators` asks for, such as `A100:1`.
    let accelerator: String?

    /// Such as the file's `envs` may set otherwise, as there.
    var defaults: [String: String] {
        [
            "SKYPILOT_NUM_NODES": "1", "SKYPILOT_NODE_IPS": host, "SKYPILOT_TASK_ID": taskID,
        ]
    }

    /// Such as they may not.
    var fixed: [String: String] {
        let count = String(acceleratorCount)
        return [
            "SKYPILOT_NODE_RANK": "0", "SKYPILOT_NUM_GPUS_PER_NODE": count,
            // The same under the names that `setup` knows.
            "SKYPILOT_SETUP_NODE_IPS": host, "SKYPILOT_SETUP_NODE_RANK": "0",
            "SKYPILOT_SETUP_NUM_GPUS_PER_NODE": count,
            "SKYPILOT_SERVE_REPLICA_ID": cookie.replica.map(String.init) ?? "",
        ]
    }

    /// Another for every replica that ever was.
    private var taskID: String {
        "dwell-\(cookie.logID.prefix(8))_\(cookie.service)-\(cookie.replica ?? 0)_\(cookie.generation)"
    }

    /// How many GPUs the file asks for: part of one counts as one, and what is no GPU as none.
    private var acceleratorCount: Int {
        guard let accelerator, !Self.othersThanGPUs.contains(where: accelerator.lowercased().contains) else { return 0 }
        let count = accelerator.split(separator: ":").dropFirst().first.flatMap { Double($0) } ?? 1
        return count >= 0 && count < 1e6 ? Int(count.rounded(.up)) : 0
    }

    private static let othersThanGPUs = ["tpu", "inferentia", "trainium"]
}
