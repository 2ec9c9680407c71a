#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "cli/new.h"

static const char *language_name(const char *language)
{
    return strcmp(language, "c") == 0 ? "C" : strcmp(language, "cxx") == 0 ? "C++" : "Python";
}

/* Is this program what the shell starts for `dora`? Then CMake finds the library through PATH too. */
static bool is_on_path(const char *self)
{
    const char *path = getenv("PATH");
    for (const char *end; path && *path; path = *end ? end + 1 : end) {
        end = strchrnul(path, ':');
        autobuf struct buf candidate = {0};
        buf_add(&candidate, path, (size_t)(end - path));
        buf_puts(&candidate, "/dora");
        if (!candidate.failed && access(candidate.data, X_OK) == 0) {
            autofree char *real = realpath(candidate.data, NULL);
            return real && strcmp(real, self) == 0;
        }
    }
    return false;
}

static void print_path(void)
{
    autofree char *self = realpath("/proc/self/exe", NULL);
    char *slash = self ? strrchr(self, '/') : NULL;
    if (!slash || is_on_path(self))
        return;
    *slash = '\0';
    printf("  export PATH=\"%s:$PATH\"    # so that CMake finds this dora\n", self);
}

/* Keys of the descriptor, each line with `margin` before it. */
static void print_keys(const struct project *project, const char *margin)
{
    const char *name = project->name;
    bool is_operator = project->kind == PROJECT_OPERATOR;
    if (!project->is_python)
        printf("%sbuild: |\n"
               "%s  cmake -S %s -B %s/build -DCMAKE_BUILD_TYPE=Release\n"
               "%s  cmake --build %s/build\n"
               "%s%s: bin/%s\n",
               margin, margin, name, name, margin, name, margin, is_operator ? "shared-library" : "path",
               is_operator ? project->module : name);
    else if (is_operator)
        printf("%spython: %s/%s.py\n", margin, name, project->module);
    else
        printf("%sbuild: pip install -e %s\n%spath: %s/%s/main.py\n", margin, name, margin, name, project->module);
    printf("%sinputs:\n"
           "%s  tick: dora/timer/millis/100\n"
           "%soutputs:\n"
           "%s  - speech\n",
           margin, margin, margin, margin);
}

static void print_node_steps(const struct project *project)
{
    puts("Next, make it part of a dataflow whose descriptor lies beside its folder:");
    printf("  - id: %s\n", project->name);
    if (project->kind == PROJECT_OPERATOR)
        puts("    operator:");
    print_keys(project, project->kind == PROJECT_OPERATOR ? "      " : "    ");
}

static void print_dataflow_steps(const struct project *project)
{
    printf("Next:\n  cd %s\n", project->name);
    if (project->is_python)
        puts("  python3 -m venv .venv && . .venv/bin/activate\n"
             "  pip install SOURCES    # dora's Python package: SOURCES is the folder of dora's own sources");
    else
        print_path();
    puts("  dora run dataflow.yml");
}

void new_print_steps(const struct project *project)
{
    static const char *const kinds[] = {"dataflow", "custom node", "operator"};
    printf("Created new %s %s `%s` at ./%s\n", language_name(project->language), kinds[project->kind], project->name,
           project->name);
    if (project->kind == PROJECT_DATAFLOW) {
        print_dataflow_steps(project);
        return;
    }
    print_node_steps(project);
    if (project->is_python)
        printf("%s in Python need dora's Python package: the module `dora` of this command's version.\n",
               project->kind == PROJECT_OPERATOR ? "Operators" : "Nodes");
}
