from .checking import check_exercise as check_exercise
