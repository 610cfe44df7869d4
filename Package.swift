// swift-tools-version: 6.1
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
]

let package = Package(
    name: "dwell",
    products: [
        .executable(name: "dwell", targets: ["CLI"])
    ],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // The rules: commands, events, states and the three pure functions over them. No I/O.
        .target(name: "Lifecycle", swiftSettings: strict),
        // The schema, numbered SQL compiled into the binary.
        .target(
            name: "Migrations", path: "migrations",
            resources: [
                .embedInCode("0001_event_log.sql"), .embedInCode("0002_services.sql"), .embedInCode("0003_history.sql"),
                .embedInCode("0004_autostop.sql"), .embedInCode("0005_scheme.sql"), .embedInCode("0006_notices.sql"),
                .embedInCode("0007_archive.sql"), .embedInCode("0008_leaner_tables.sql"), .embedInCode("views.sql"),
            ],
            swiftSettings: strict),
        // SQLite and nothing else. The only importer of GRDB.
        .target(
            name: "EventLog",
            dependencies: [
                "CGatheredWrites", "CLinux", "Lifecycle", "Migrations",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        // YAML in, checked values or one clear line out. The only importer of Yams.
        .target(
            name: "ServiceFile",
            dependencies: ["Lifecycle", .product(name: "Yams", package: "Yams")],
            swiftSettings: strict),
        // System calls that Swift cannot express: variadic ones and raw syscalls.
        .target(name: "CLinux"),
        // A commit to the WAL as one write and not as many.
        .target(name: "CGatheredWrites", linkerSettings: [.linkedLibrary("sqlite3")]),
        // The data plane: a streaming HTTP/1.1 reverse proxy.
        .target(
            name: "LoadBalancer",
            dependencies: [
                "CLinux",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
            ],
            swiftSettings: strict),
        // The controller process: scheduler, reconciler, prober, recovery, drivers.
        .target(
            name: "Controller",
            dependencies: [
                "CLinux", "EventLog", "Lifecycle", "LoadBalancer",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict),
        // What controllers cost and what dwelling saved, worked out from their events. No I/O.
        .target(name: "Reporting", dependencies: ["Lifecycle"], swiftSettings: strict),
        // The `dwell` executable: one command a file, no decisions.
        .executableTarget(
            name: "CLI",
            dependencies: [
                "CLinux", "Controller", "EventLog", "Lifecycle", "Reporting", "ServiceFile",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        // The world in which everything goes wrong, for `make simulate`.
        .target(name: "Simulation", dependencies: ["Lifecycle"], swiftSettings: strict),
        .executableTarget(name: "Simulate", dependencies: ["Simulation"], swiftSettings: strict),
        // What tests share. Nothing of it reaches the shipped binary.
        .target(name: "TestKit", dependencies: ["Controller", "EventLog", "Lifecycle"], swiftSettings: strict),
        // A log of any length, made up by the real rules.
        .executableTarget(
            name: "GenerateHistory",
            dependencies: [
                "EventLog", "Lifecycle", "TestKit", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        // What `make bench` measures from within. Never installed.
        .executableTarget(
            name: "Bench",
            dependencies: [
                "EventLog", "Lifecycle", "LoadBalancer", "TestKit",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        // For tests only: writes down what SQLite does to its files, for images of a crash.
        .target(name: "CRecordingVFS", linkerSettings: [.linkedLibrary("sqlite3")]),
        .testTarget(name: "LifecycleTests", dependencies: ["Lifecycle", "TestKit"], swiftSettings: strict),
        // GRDB too, for these tests look into the file behind the log's back.
        .testTarget(
            name: "EventLogTests",
            dependencies: [
                "CGatheredWrites", "CLinux", "CRecordingVFS", "EventLog", "Lifecycle", "TestKit",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            exclude: ["Golden", "Databases"],
            swiftSettings: strict),
        // Processes and drivers, with real processes.
        .testTarget(
            name: "ControllerTests", dependencies: ["Controller", "EventLog", "Lifecycle", "TestKit"],
            swiftSettings: strict),
        .testTarget(
            name: "ServiceFileTests", dependencies: ["ServiceFile", "TestKit"], exclude: ["Golden"],
            swiftSettings: strict),
        .testTarget(
            name: "ReportingTests", dependencies: ["Lifecycle", "Reporting", "TestKit"], swiftSettings: strict),
        .testTarget(name: "SimulationTests", dependencies: ["Simulation"], swiftSettings: strict),
        // The real program, with real processes, as a user runs it.
        .testTarget(name: "EndToEnd", dependencies: ["CLI"], exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "LoadBalancerTests",
            dependencies: [
                "Controller", "Lifecycle", "LoadBalancer",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict),
    ]
)
