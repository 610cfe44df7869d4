import EventLog
import Foundation
import Lifecycle

/// Where the files of one controller are, under the home.
public struct ControllerPaths: Sendable {
    public let home: Home
    public let controller: ControllerName

    public init(home: Home, controller: ControllerName) {
        self.home = home
        self.controller = controller
    }

    /// Held by the controller process for as long as it lives.
    public var lease: String { "\(home.run)/\(controller).lease" }
    /// Held by the keeper for as long as it lives.
    public var keeperLock: String { "\(home.run)/\(controller).keeper" }

    /// Files of a service while anything of it lives.
    func runDirectory(_ service: ServiceName) -> String { "\(home.run)/\(controller)/\(service)" }
    /// Files of one replica while it lives.
    func runDirectory(_ replica: ReplicaReference) -> String { "\(runDirectory(replica.service))/\(replica.id)" }
    /// Where what cannot be removed of a replica's files is put, should another need its place.
    func leftFolder(_ service: ServiceName) -> String {
        "\(runDirectory(service))/\(Self.leftPrefix)\(UUID().uuidString.lowercased())"
    }
    private static let leftPrefix = "left-"
    /// What the service's load balancer last said of its traffic: a ``TrafficReport`` in JSON.
    public func trafficReport(_ service: ServiceName) -> String { "\(runDirectory(service))/traffic.json" }

    var logDirectory: String { "\(home.logs)/\(controller)" }
    public var controllerLog: String { "\(logDirectory)/controller.log" }
    /// What hooks write.
    public var hookLog: String { "\(logDirectory)/hooks.log" }
    func serviceLogDirectory(_ service: ServiceName) -> String { "\(logDirectory)/\(service)" }
    public func loadBalancerLog(_ service: ServiceName) -> String {
        "\(serviceLogDirectory(service))/load-balancer.log"
    }
    public func replicaLog(_ service: ServiceName, _ id: Int) -> String {
        "\(serviceLogDirectory(service))/replica-\(id).log"
    }
}

extension ControllerPaths {
    /// Removes the files of a replica, and the folders that are empty then.
    ///
    /// - Returns: what is left, in words.
    func removeRunDirectory(_ replica: ReplicaReference) -> String? {
        if let left = FolderRemoval.remove(runDirectory(replica)) { return left }
        removeEmptyFolders(replica.service)
        return nil
    }

    /// Removes what a load balancer has written that is gone, and the folders that are empty then.
    func removeLoadBalancerFiles(_ service: ServiceName) {
        let path = trafficReport(service)
        let bell = ServiceBell(home: home, controller: controller, service: service)
        for file in [path, path + ".new", bell.path] { unlink(file) }
        removeEmptyFolders(service)
    }

    /// A folder with something in it is left alone by rmdir(2).
    private func removeEmptyFolders(_ service: ServiceName) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: runDirectory(service))) ?? []
        where name.hasPrefix(Self.leftPrefix) {
            _ = FolderRemoval.remove("\(runDirectory(service))/\(name)")
        }
        // What replicas know of each other's `setup`, once there is none.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: runDirectory(service))) ?? []
        if names.allSatisfy({ $0.hasPrefix("setup-") }) {
            for name in names { unlink("\(runDirectory(service))/\(name)") }
        }
        rmdir(runDirectory(service))
        rmdir("\(home.run)/\(controller)")
    }

    /// Whether the service ever ran here.
    public func hasLogs(of service: ServiceName) -> Bool {
        access(serviceLogDirectory(service), F_OK) == 0
    }

    /// Ids of the replicas of the service that have a log.
    public func replicaLogs(_ service: ServiceName) -> [Int] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: serviceLogDirectory(service))) ?? []
        return files.compactMap { file in
            guard file.hasPrefix("replica-"), file.hasSuffix(".log") else { return nil }
            return Int(file.dropFirst("replica-".count).dropLast(".log".count))
        }.sorted()
    }
}
