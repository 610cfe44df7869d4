import Foundation
import TestKit

/// A disk as a crash of the power finds it. What was synced is there. Of what was written since, each sector
/// of 512 bytes may be there or not, in any order and independently of the others; at one place a write may
/// be torn in the middle of a sector. A file may have got its new length without its new bytes. A file that was
/// made or deleted may be so or not until its folder is synced, which SQLite does with the first sync of a file
/// that it made.
struct CrashDisk {
    /// What becomes of that which is not synced.
    enum Fate {
        /// All of it is there, as after a crash of the program alone.
        case everything
        /// None of it.
        case nothing
        /// Some of it, drawn from the seed.
        case some(seed: UInt64)
    }

    private enum Change {
        case write(offset: Int, [UInt8])
        case truncate(length: Int)
    }

    private struct File {
        var synced: [UInt8] = []
        var since: [Change] = []
        /// What programs read until the machine goes down, also what a sync failed to bring to the disk.
        var current: [UInt8] = []
        /// Whether its entry in the folder is on disk once it is synced.
        var isEntered = false

        mutating func change(_ change: Change) {
            since.append(change)
            CrashDisk.apply(change, to: &current)
        }
    }

    private enum FolderChange {
        case enter(String, Int)
        case remove(String)
    }

    private var files: [File] = []
    private var names: [String: Int] = [:]
    private var syncedNames: [String: Int] = [:]
    private var namesSince: [FolderChange] = []
    /// Whether syncs do nothing, as with a disk that lies.
    var isLying = false

    /// - Parameter existing: files that are there, and on disk, from the beginning.
    init(existing: [String: [UInt8]]) {
        for (name, bytes) in existing.sorted(by: { $0.key < $1.key }) {
            names[name] = files.count
            files.append(File(synced: bytes, current: bytes, isEntered: true))
        }
        syncedNames = names
    }

    mutating func perform(_ step: Recording.Step) {
        switch step {
        case .create(let name):
            names[name] = files.count
            namesSince.append(.enter(name, files.count))
            files.append(File())
        case .write(let name, let offset, let bytes):
            guard let index = names[name] else { return }
            files[index].change(.write(offset: offset, bytes))
        case .truncate(let name, let length):
            guard let index = names[name] else { return }
            files[index].change(.truncate(length: length))
        case .sync(let name):
            guard !isLying, let index = names[name] else { return }
            for change in files[index].since { Self.apply(change, to: &files[index].synced) }
            files[index].since = []
            if !files[index].isEntered {
                files[index].isEntered = true
                syncFolder()
            }
        case .failedSync(let name):
            // Linux takes the pages for written: https://lwn.net/Articles/752063/
            guard let index = names[name] else { return }
            files[index].since = []
        case .delete(let name, let folderIsSynced):
            names[name] = nil
            namesSince.append(.remove(name))
            if folderIsSynced, !isLying { syncFolder() }
        case .mark:
            break
        }
    }

    private mutating func syncFolder() {
        syncedNames = names
        namesSince = []
    }

    /// The files, by name, that are found after a crash now.
    func image(_ fate: Fate) -> [String: [UInt8]] {
        switch fate {
        case .everything:
            return names.mapValues { files[$0].current }
        case .nothing:
            return syncedNames.mapValues { files[$0].synced }
        case .some(let seed):
            var random = SeededGenerator(seed: seed)
            var found = syncedNames
            // The folder is a journal: it is brought back to some moment.
            for change in namesSince.prefix(random.below(namesSince.count + 1)) {
                switch change {
                case .enter(let name, let index): found[name] = index
                case .remove(let name): found[name] = nil
                }
            }
            let percent = random.pick([5, 30, 50, 70, 95])
            return found.sorted { $0.key < $1.key }.reduce(into: [:]) { image, entry in
                image[entry.key] = survivors(of: files[entry.value], percent, &random)
            }
        }
    }

    private func survivors(of file: File, _ percent: Int, _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = file.synced
        let torn = random.below(max(1, file.since.count))
        for (number, change) in file.since.enumerated() {
            switch change {
            case .truncate:
                if random.chance(percent) { Self.apply(change, to: &bytes) }
            case .write(let offset, let data):
                // Its length may be there without its bytes.
                if random.chance(30) { Self.grow(&bytes, to: offset + data.count) }
                var start = 0
                while start < data.count {
                    var end = min(data.count, start + 512 - (offset + start) % 512)
                    let next = end
                    if number == torn { end = start + random.below(end - start + 1) }
                    if random.chance(percent), end > start {
                        Self.apply(.write(offset: offset + start, Array(data[start..<end])), to: &bytes)
                    }
                    start = next
                }
            }
        }
        return bytes
    }

    private static func apply(_ change: Change, to bytes: inout [UInt8]) {
        switch change {
        case .truncate(let length):
            grow(&bytes, to: length)
            bytes.removeLast(bytes.count - length)
        case .write(let offset, let data):
            grow(&bytes, to: offset + data.count)
            bytes.replaceSubrange(offset..<offset + data.count, with: data)
        }
    }

    private static func grow(_ bytes: inout [UInt8], to length: Int) {
        if bytes.count < length { bytes.append(contentsOf: repeatElement(0, count: length - bytes.count)) }
    }
}
