using MlOps.Local.Storage;

namespace MlOps.Local.Tests.Storage;

public sealed class DataFolderTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-data-").FullName;

    [Fact]
    public void A_second_owner_is_told_who_has_the_folder()
    {
        using var first = DataFolder.Open(folder);
        first.Publish(new HostConnection(Environment.ProcessId, "storage", null));

        var second = () => DataFolder.Open(folder);

        second.Should().Throw<EnvironmentProblemException>()
            .WithMessage($"The data folder {folder} is in use by another process (pid {Environment.ProcessId}).");
    }

    [Fact]
    public void The_folder_is_free_again_after_its_owner_is_done()
    {
        DataFolder.Open(folder).Dispose();

        var again = () => DataFolder.Open(folder).Dispose();

        again.Should().NotThrow();
    }

    [Fact]
    public void A_file_in_place_of_the_folder_is_an_environment_problem()
    {
        var file = Path.Combine(folder, "file");
        File.WriteAllText(file, "");

        var open = () => DataFolder.Open(file);

        open.Should().Throw<EnvironmentProblemException>().WithMessage($"The data folder {file} cannot be written:*--data*");
    }

    [Fact]
    public void Host_is_found_while_it_lives_and_forgotten_afterwards()
    {
        var host = new HostConnection(Environment.ProcessId, "storage", "http://127.0.0.1:7071");
        using (var owner = DataFolder.Open(folder))
        {
            owner.Publish(host);
            DataFolder.FindHost(folder).Should().Be(host);
        }

        DataFolder.FindHost(folder).Should().BeNull();
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
