import CRecordingVFS
import Foundation

/// What SQLite did to the files of one folder, in order, with moments that the test noted in between.
struct Recording {
    enum Step {
        case create(String)
        case write(String, offset: Int, [UInt8])
        case truncate(String, length: Int)
        case sync(String)
        case failedSync(String)
        case delete(String, folderIsSynced: Bool)
        case mark(Int)
    }

    let steps: [Step]

    /// For what is recorded while it is recorded.
    struct Pen {
        fileprivate let recording: OpaquePointer

        /// Notes a moment.
        func mark(_ number: Int) { recording_mark(recording, Int64(number)) }

        /// Has the next syncs of a WAL fail.
        func failSyncs(_ count: Int) { recording_fail_syncs(recording, CInt(count)) }
    }

    /// Records what `body` does to databases in `folder`, which it must close.
    static func of(_ folder: String, _ body: (Pen) throws -> Void) rethrows -> Recording {
        precondition(recording_install() == 0, "SQLite takes no VFS")
        // recording_begin ends the process rather than return nothing.
        let recording = recording_begin(folder)!
        defer { recording_free(recording) }
        try body(Pen(recording: recording))
        recording_end(recording)
        return Recording(steps: (0..<recording_count(recording)).map { Step(recording_step(recording, $0)) })
    }
}

extension Recording.Step {
    init(_ step: recorded_step) {
        let name = String(cString: step.name)
        switch UInt32(step.kind) {
        case RECORDED_CREATE.rawValue: self = .create(name)
        case RECORDED_WRITE.rawValue:
            let bytes = [UInt8](UnsafeBufferPointer(start: step.data, count: step.length))
            self = .write(name, offset: Int(step.offset), bytes)
        case RECORDED_TRUNCATE.rawValue: self = .truncate(name, length: Int(step.offset))
        case RECORDED_SYNC.rawValue: self = .sync(name)
        case RECORDED_FAILED_SYNC.rawValue: self = .failedSync(name)
        case RECORDED_DELETE.rawValue: self = .delete(name, folderIsSynced: step.folder_is_synced != 0)
        default: self = .mark(Int(step.offset))
        }
    }

    var isSync: Bool { if case .sync = self { true } else { false } }

    /// Whether it changes what a crash may leave behind.
    var isOfTheDisk: Bool { if case .mark = self { false } else { true } }
}
