"""``python -m course_utils.cli`` is ``course``: launchers of several processes start modules."""

from course_utils.cli.command import main

if __name__ == "__main__":
    main()
