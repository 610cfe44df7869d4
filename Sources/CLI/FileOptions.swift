import ArgumentParser
import Foundation
import ServiceFile

/// What `up` takes beside a service file; the words are SkyServe's.
struct FileOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Set an environment variable of the service; K alone takes it from here.", valueName: "K=V"))
    var env: [String] = []

    @Option(
        name: .customLong("env-file"), help: "A file of K=V lines for --env.", completion: .file())
    var envFile: String?

    @Option(
        help: ArgumentHelp(
            "Set a secret of the service. K alone takes it from here, and is better: K=V can be seen in `ps` for a moment.",
            valueName: "K"))
    var secret: [String] = []

    @Option(name: .customLong("secret-file"), help: "A file of K=V lines for --secret.", completion: .file())
    var secretFile: String?

    @Option(help: "Folder in which the service starts, in place of the file's `workdir`.", completion: .directory)
    var workdir: String?

    /// What they give; `--env` goes before the file, `--secret` likewise.
    func values() throws(CommandFailure) -> GivenValues {
        let here = ProcessInfo.processInfo.environment
        var values = GivenValues(workdir: workdir)
        do throws(FileProblems) {
            if let envFile { values.envs = try DotEnvFile.read(envFile, here: here) }
            if let secretFile { values.secrets = try DotEnvFile.read(secretFile, here: here) }
        } catch {
            throw CommandFailure(error)
        }
        do throws(OptionFailure) {
            values.envs.merge(try EnvironmentOption.parse(env, here: here)) { _, typed in typed }
            values.secrets.merge(try EnvironmentOption.parse(secret, here: here, option: "--secret")) { _, typed in
                typed
            }
        } catch {
            throw CommandFailure(error)
        }
        return values
    }
}
